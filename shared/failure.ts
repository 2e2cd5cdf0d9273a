/** Every failure the bridge tells apart, and the status that the gateway answers with. */
export const failures = {
  ARGUMENT_MISSING: 400,
  SIGNATURE_MISMATCH: 400,
  TIMESTAMP_INVALID: 400,
  SIGNATURE_EXPIRED: 400,
  MSG_SIGNATURE_MISMATCH: 403,
  APPID_MISMATCH: 403,
  ENCRYPT_TYPE_UNSUPPORTED: 403,
  PLAINTEXT_REFUSED: 403,
  ADDRESS_REFUSED: 403,
  MALFORMED_PUSH: 400,
  UNDECRYPTABLE: 400,
  BODY_TOO_LARGE: 413,
  /** The bus could not promise to keep a message: not confirmed, refused, or away. */
  NOT_HELD: 503,
  /** The bus answered that it does not take the message. */
  NACKED: 503,
  /** WeChat's API answered with an errcode, or not at all. */
  API_REFUSED: 500,
  API_UNREACHABLE: 500,
  CONFIG_INVALID: 500,
} as const;

export type FailureCode = keyof typeof failures;

/** The one error class of the bridge. `message` may be shown to the caller: it never holds secrets or content. */
export class Failure extends Error {
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Failure";
    this.code = code;
  }

  get status(): number {
    return failures[this.code];
  }
}

/** Tells whether `error` is a `Failure`, with `code` when given. */
export function isFailure(error: unknown, code?: FailureCode): error is Failure {
  return error instanceof Failure && (code === undefined || error.code === code);
}
