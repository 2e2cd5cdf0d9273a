/**
 * Every failure the bridge tells apart. `status` is what the gateway answers a push with;
 * `retryable` says whether doing the same again later can succeed.
 */
export const failures = {
  ARGUMENT_MISSING: { status: 400, retryable: false },
  SIGNATURE_MISMATCH: { status: 400, retryable: false },
  TIMESTAMP_INVALID: { status: 400, retryable: false },
  SIGNATURE_EXPIRED: { status: 400, retryable: false },
  MSG_SIGNATURE_MISMATCH: { status: 403, retryable: false },
  APPID_MISMATCH: { status: 403, retryable: false },
  ENCRYPT_TYPE_UNSUPPORTED: { status: 403, retryable: false },
  PLAINTEXT_REFUSED: { status: 403, retryable: false },
  ADDRESS_REFUSED: { status: 403, retryable: false },
  MALFORMED_PUSH: { status: 400, retryable: false },
  UNDECRYPTABLE: { status: 400, retryable: false },
  BODY_TOO_LARGE: { status: 413, retryable: false },
  /** The bus could not promise to keep a message: not confirmed, refused, or away. */
  NOT_HELD: { status: 503, retryable: true },
  /** The bus answered that it does not take the message. */
  NACKED: { status: 503, retryable: true },
  /** WeChat's API answered with an errcode, or not at all. */
  API_REFUSED: { status: 500, retryable: false },
  API_UNREACHABLE: { status: 500, retryable: true },
  CONFIG_INVALID: { status: 500, retryable: false },
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
    return failures[this.code].status;
  }

  get retryable(): boolean {
    return failures[this.code].retryable;
  }
}

/** Tells whether `error` is a `Failure`, with `code` when given. */
export function isFailure(error: unknown, code?: FailureCode): error is Failure {
  return error instanceof Failure && (code === undefined || error.code === code);
}
