/** `wechat-api.ts`: api.weixin.qq.com on loopback; it knows every user, and tells how often it was asked for one. */
import { createWechatApi } from "../../test/support/wechat-api-server.ts";
import { serveParent } from "./parent.ts";

const api = await createWechatApi({ after() {} });
serveParent(api.port, () => ({ userInfo: api.count("/cgi-bin/user/info") }));
