/** A push as go-wx-gateway's backends got it: what WeChat sends, and the path and body that come of it. */
export interface ObservedPush {
  /** What go-wx-gateway did with it, and what is different now. */
  fact: string;
  /** The elements inside `<xml>` after the head. */
  elements: string;
  path: string;
  /** The body after the head `{"ToUserName":…,"FromUserName":…,"CreateTime":…,"MsgType":…,`. */
  rest: string;
}

const message = (type: string, elements: string, fact: string, rest: string): ObservedPush => ({
  fact: `${type}: ${fact}`,
  elements: `<MsgType><![CDATA[${type}]]></MsgType>${elements}`,
  path: `/msg/${type}`,
  rest: `"MsgType":"${type}",${rest}`,
});
const event = (name: string, elements: string, fact: string, rest: string): ObservedPush => ({
  fact: `${name}: ${fact}`,
  elements: `<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[${name}]]></Event>${elements}`,
  path: `/event/${name}`,
  rest: `"MsgType":"event","Event":"${name}",${rest}`,
});

const same = "to the byte as before";
const id = "<MsgId>1234567890123456</MsgId>";
const pictures = `<SendPicsInfo><Count>2</Count><PicList><item><PicMd5Sum>m1</PicMd5Sum></item><item><PicMd5Sum>m2</PicMd5Sum></item></PicList></SendPicsInfo>`;
const scan = "<ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>2</ScanResult></ScanCodeInfo>";
const picturesFlat = `"EventKey":"6","Count":2,"PicList":["m1","m2"],"SendPicsInfo":{"Count":2,"PicList":{"item":[{"PicMd5Sum":"m1"},{"PicMd5Sum":"m2"}]}}`;
const scanFlat = `"EventKey":"6","ScanType":"qrcode","ScanResult":"2","ScanCodeInfo":{"ScanType":"qrcode","ScanResult":"2"}`;
const counts =
  "<TotalCount>10</TotalCount><FilterCount>9</FilterCount><SentCount>8</SentCount><ErrorCount>1</ErrorCount>";
const countsFlat = `"TotalCount":10,"FilterCount":9,"SentCount":8,"ErrorCount":1`;
const emptyResult = `"UserDeclareState":"","AuditState":"","OriginalArticleUrl":"","OriginalArticleType":"","CanReprint":"","NeedReplaceContent":"","NeedShowReprintSource":""`;

/** The kinds of its list in order, then those it dropped or sent to another path. */
export const observedPushes: readonly ObservedPush[] = [
  message(
    "text",
    `<Content>你好 &lt;a&gt;&amp;</Content>${id}`,
    same,
    `"MsgId":"1234567890123456","Content":"你好 <a>&"`,
  ),
  message(
    "image",
    `<PicUrl><![CDATA[http://mmbiz.qpic.cn/a?x=1&y=2]]></PicUrl><MediaId>MID1</MediaId><MsgId>2</MsgId>`,
    same,
    `"MsgId":"2","PicUrl":"http://mmbiz.qpic.cn/a?x=1&y=2","MediaId":"MID1"`,
  ),
  message(
    "voice",
    `<MediaId>MID1</MediaId><Format>amr</Format><MsgId>3</MsgId>`,
    `${same}, Recognition "" when absent`,
    `"MsgId":"3","MediaId":"MID1","Format":"amr","Recognition":""`,
  ),
  message(
    "shortvideo",
    `<MediaId>MID1</MediaId><ThumbMediaId>TMID</ThumbMediaId><MsgId>4</MsgId>`,
    same,
    `"MsgId":"4","MediaId":"MID1","ThumbMediaId":"TMID"`,
  ),
  message(
    "location",
    `<Location_X>23.134521</Location_X><Location_Y>113.358803</Location_Y><Scale>20</Scale><Label>位置信息</Label><MsgId>5</MsgId>`,
    same,
    `"MsgId":"5","Location_X":"23.134521","Location_Y":"113.358803","Scale":20,"Label":"位置信息"`,
  ),
  message(
    "link",
    `<Title>T1</Title><Description>D1</Description><Url>http://u/?a=1&amp;b=2</Url><MsgId>6</MsgId>`,
    same,
    `"MsgId":"6","Title":"T1","Description":"D1","Url":"http://u/?a=1&b=2"`,
  ),
  event(
    "VIEW",
    `<EventKey><![CDATA[http://www.qq.com/?a=1&b=2]]></EventKey>`,
    `${same}, MenuId "" when absent`,
    `"EventKey":"http://www.qq.com/?a=1&b=2","MenuId":""`,
  ),
  event("subscribe", "<EventKey></EventKey>", same, `"EventKey":"","Ticket":""`),
  event("unsubscribe", "", same, `"EventKey":"","Ticket":""`),
  event(
    "SCAN",
    "<EventKey>qrscene_123123</EventKey><Ticket>TICKET</Ticket>",
    same,
    `"EventKey":"qrscene_123123","Ticket":"TICKET"`,
  ),
  event(
    "location",
    "<Location_X>23.1</Location_X><Location_Y>113.3</Location_Y><Scale>15</Scale><Label>L</Label><MsgId>77</MsgId>",
    same,
    `"Location_X":"23.1","Location_Y":"113.3","Scale":15,"Label":"L","MsgId":"77"`,
  ),
  event(
    "LOCATION",
    "<Latitude>23.137466</Latitude><Longitude>113.352425</Longitude><Precision>119.385040</Precision>",
    same,
    `"Latitude":"23.137466","Longitude":"113.352425","Precision":"119.385040"`,
  ),
  ...["pic_sysphoto", "pic_photo_or_album", "pic_weixin"].map((name) =>
    event(name, `<EventKey>6</EventKey>${pictures}`, "the flat names as before, WeChat's own after them", picturesFlat),
  ),
  event(
    "pic_weixin",
    `<EventKey>7</EventKey>`,
    "0 and null without pictures, as before",
    `"EventKey":"7","Count":0,"PicList":null`,
  ),
  ...["scancode_waitmsg", "scancode_push"].map((name) =>
    event(name, `<EventKey>6</EventKey>${scan}`, "the flat names as before, WeChat's own after them", scanFlat),
  ),
  event(
    "MASSSENDJOBFINISH",
    `<MsgID>1000001625</MsgID><Status>err(30003)</Status>${counts}`,
    "0 and null without a check, as before",
    `"MsgID":"1000001625","Status":"err(30003)",${countsFlat},"ResultCount":0,"ResultList":null`,
  ),
  event(
    "MASSSENDJOBFINISH",
    `<MsgID>1</MsgID><CopyrightCheckResult><Count>1</Count><ResultList><item><ArticleIdx>1</ArticleIdx></item><item><ArticleIdx>2</ArticleIdx></item></ResultList></CopyrightCheckResult>`,
    "more items than Count killed the process: both are there",
    `"MsgID":"1","Status":"","TotalCount":0,"FilterCount":0,"SentCount":0,"ErrorCount":0,"ResultCount":1,` +
      `"ResultList":[{"ArticleIdx":"1",${emptyResult}},{"ArticleIdx":"2",${emptyResult}}],` +
      `"CopyrightCheckResult":{"Count":1,"ResultList":{"item":[{"ArticleIdx":"1"},{"ArticleIdx":"2"}]}}`,
  ),
  event(
    "MASSSENDJOBFINISH",
    `<MsgID>2</MsgID><CopyrightCheckResult><Count>2000000000</Count><ResultList></ResultList></CopyrightCheckResult>`,
    "a huge Count killed the process, and a list was padded up to Count: it is a number",
    `"MsgID":"2","Status":"","TotalCount":0,"FilterCount":0,"SentCount":0,"ErrorCount":0,"ResultCount":2000000000,"ResultList":null,` +
      `"CopyrightCheckResult":{"Count":2000000000,"ResultList":""}`,
  ),
  event(
    "TEMPLATESENDJOBFINISH",
    "<MsgID>200163836</MsgID><Status>success</Status>",
    "MsgId as before, WeChat's MsgID after it",
    `"MsgId":"200163836","Status":"success","MsgID":"200163836"`,
  ),
  event("CLICK", "<EventKey>KEY1</EventKey>", "was sent to /event/event, goes to its own path", `"EventKey":"KEY1"`),
  message(
    "video",
    `<MediaId>MID1</MediaId><ThumbMediaId>TMID</ThumbMediaId><MsgId>7</MsgId>`,
    "was dropped, is forwarded",
    `"MsgId":"7","MediaId":"MID1","ThumbMediaId":"TMID"`,
  ),
  message("file", `<Title>a.pdf</Title><MsgId>8</MsgId>`, "was dropped, is forwarded", `"Title":"a.pdf","MsgId":"8"`),
  event(
    "location_select",
    `<EventKey>6</EventKey><SendLocationInfo><Location_X>23</Location_X><Scale>15</Scale></SendLocationInfo>`,
    "was dropped, is forwarded",
    `"EventKey":"6","SendLocationInfo":{"Location_X":"23","Scale":15}`,
  ),
  event("view_miniprogram", "<EventKey>p/i</EventKey>", "was dropped, is forwarded", `"EventKey":"p/i"`),
];
