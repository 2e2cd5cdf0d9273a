import { Failure } from "../failure.ts";
import { accountFault } from "./errcodes.ts";

/** WeChat answered with an `errcode`: an `API_REFUSED` whose message is WeChat's errmsg, secrets blotted out. */
export class ApiFailure extends Failure {
  readonly errcode: number;

  constructor(errcode: number, errmsg: string) {
    super("API_REFUSED", errmsg);
    this.name = "ApiFailure";
    this.errcode = errcode;
  }

  /** What the operator can do about it; undefined when the fault lies in this one request. */
  get advice(): string | undefined {
    return accountFault(this.errcode)?.advice;
  }
}

/** What a log line says of a failed API call: never an address's query, a token or a stack. */
export function describeFailure(error: unknown): { reason: string; errcode?: number; advice?: string } {
  if (!(error instanceof Failure)) return { reason: error instanceof Error ? error.name : "unknown" };
  if (!(error instanceof ApiFailure)) return { reason: error.message };
  const { message, errcode, advice } = error;
  return { reason: message, errcode, ...(advice !== undefined && { advice }) };
}
