/** Our errors as the Connect protocol tells them: a code of its own table, and a message. */
import { AppError, type ErrorCode } from '../../../contract/errors.ts';

const STATUS = {
  invalid_argument: 400,
  failed_precondition: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  aborted: 409,
  resource_exhausted: 429,
  internal: 500,
  unimplemented: 501,
  unavailable: 503,
  deadline_exceeded: 504,
} as const;
export type ConnectCode = keyof typeof STATUS;

const CODES: Readonly<Record<ErrorCode, ConnectCode>> = {
  VALIDATION_ERROR: 'invalid_argument',
  UNAUTHENTICATED: 'unauthenticated',
  PERMISSION_DENIED: 'permission_denied',
  NOT_FOUND: 'not_found',
  SANDBOX_NOT_FOUND: 'not_found',
  EXECUTION_NOT_FOUND: 'not_found',
  CONTEXT_NOT_FOUND: 'not_found',
  PROCESS_NOT_FOUND: 'not_found',
  FILE_NOT_FOUND: 'not_found',
  INVALID_SANDBOX_STATE: 'failed_precondition',
  IDEMPOTENCY_CONFLICT: 'aborted',
  SANDBOX_GONE: 'not_found',
  CURSOR_EXPIRED: 'failed_precondition',
  PRECONDITION_FAILED: 'failed_precondition',
  PAYLOAD_TOO_LARGE: 'resource_exhausted',
  CODE_TOO_LARGE: 'resource_exhausted',
  FILE_TOO_LARGE: 'resource_exhausted',
  UNSUPPORTED_MEDIA_TYPE: 'invalid_argument',
  RANGE_NOT_SATISFIABLE: 'invalid_argument',
  NOT_SUPPORTED: 'unimplemented',
  RESOURCE_LIMIT_ERROR: 'resource_exhausted',
  RATE_LIMITED: 'resource_exhausted',
  INTERNAL_ERROR: 'internal',
  AGENT_UNREACHABLE: 'unavailable',
  CAPACITY_UNAVAILABLE: 'unavailable',
  DEADLINE_EXCEEDED: 'deadline_exceeded',
};

export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly code: ConnectCode;

  constructor(code: ConnectCode, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return STATUS[this.code];
  }

  get body(): { code: ConnectCode; message: string } {
    return { code: this.code, message: this.message };
  }
}

/** What is not an error of ours is told as `internal`, without its cause. */
export function connectErrorOf(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof AppError) return new ConnectError(CODES[error.code], error.message);
  return new ConnectError('internal', 'the agent failed');
}
