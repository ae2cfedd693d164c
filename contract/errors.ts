/**
 * The closed table of errors: a code, its HTTP status and whether a repeat may succeed.
 * A caller's mistake is an AppError; user code that failed is data in a result, never an error.
 */
import * as z from 'zod/mini';

const TABLE = {
  VALIDATION_ERROR: { status: 400, retryable: false },
  UNAUTHENTICATED: { status: 401, retryable: false },
  PERMISSION_DENIED: { status: 403, retryable: false },
  NOT_FOUND: { status: 404, retryable: false },
  SANDBOX_NOT_FOUND: { status: 404, retryable: false },
  EXECUTION_NOT_FOUND: { status: 404, retryable: false },
  CONTEXT_NOT_FOUND: { status: 404, retryable: false },
  PROCESS_NOT_FOUND: { status: 404, retryable: false },
  FILE_NOT_FOUND: { status: 404, retryable: false },
  INVALID_SANDBOX_STATE: { status: 409, retryable: false },
  IDEMPOTENCY_CONFLICT: { status: 409, retryable: false },
  SANDBOX_GONE: { status: 410, retryable: false },
  CURSOR_EXPIRED: { status: 410, retryable: false },
  PRECONDITION_FAILED: { status: 412, retryable: false },
  PAYLOAD_TOO_LARGE: { status: 413, retryable: false },
  CODE_TOO_LARGE: { status: 413, retryable: false },
  FILE_TOO_LARGE: { status: 413, retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retryable: false },
  RANGE_NOT_SATISFIABLE: { status: 416, retryable: false },
  NOT_SUPPORTED: { status: 422, retryable: false },
  RESOURCE_LIMIT_ERROR: { status: 429, retryable: true },
  RATE_LIMITED: { status: 429, retryable: true },
  INTERNAL_ERROR: { status: 500, retryable: true },
  AGENT_UNREACHABLE: { status: 503, retryable: true },
  CAPACITY_UNAVAILABLE: { status: 503, retryable: true },
  DEADLINE_EXCEEDED: { status: 504, retryable: true },
} as const satisfies Record<string, { status: number; retryable: boolean }>;

export type ErrorCode = keyof typeof TABLE;
export const ERROR_CODES = Object.keys(TABLE) as [ErrorCode, ...ErrorCode[]];
export const statusOf = (code: ErrorCode): number => TABLE[code].status;
export const isRetryable = (code: ErrorCode): boolean => TABLE[code].retryable;

export const ErrorDetails = z.record(z.string(), z.unknown());
export type ErrorDetails = z.infer<typeof ErrorDetails>;

/** The `error` of a failed answer, in HTTP and in a WebSocket message alike. */
export const ErrorBody = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  retryable: z.boolean(),
  requestId: z.string(),
  details: z.optional(ErrorDetails),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/** The agent's errors: the same codes, no request id (the caller adds its own). */
export const AgentErrorBody = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  details: z.optional(ErrorDetails),
});
export type AgentErrorBody = z.infer<typeof AgentErrorBody>;

/**
 * The caller asked wrongly or at the wrong time. `message` says what happened, the value got, the
 * value allowed and what to do; `details` names the field. Never carries a secret or a cause of ours.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails | undefined;
  /** Whole seconds for `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: ErrorDetails; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
