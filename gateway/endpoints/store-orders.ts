import { Failure } from "../../shared/failure.ts";
import type { Endpoint, EndpointCall } from "./endpoint.ts";
import { memberOf } from "./json-text.ts";

/** `channels-ec-order-detail`: an order of a store (视频号小店), as WeChat describes it. */
export const findOrder: Endpoint = async (call) => {
  const order_id = readOrderId(call);
  const { text } = await call.api.call("/channels/ec/order/get", { body: { order_id } });
  return { order: memberOf(text, "order") ?? null };
};

/** `channels-ec-refund-detail`: an after-sales order of a store, as WeChat describes it. */
export const findRefund: Endpoint = async (call) => {
  const after_sale_order_id = readOrderId(call);
  const { text } = await call.api.call("/channels/ec/aftersale/getaftersaleorder", { body: { after_sale_order_id } });
  return { aftersaleOrder: memberOf(text, "after_sale_order") ?? null };
};

/** Text to the last digit: order ids are above 2^53. */
function readOrderId({ account, parameters }: EndpointCall): string {
  const id = parameters.need("o", "o(rder id)");
  if (account.isChannelsEc) return id;
  throw new Failure("ARGUMENT_MISSING", `service "${account.name}" is no store: it lacks is-channels-ec`);
}
