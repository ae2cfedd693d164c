/**
 * The two ways a call to the Lambda stand-in goes wrong: the service refuses it (`LambdaError`), or the function
 * fails (`FunctionFailure`). They are never mixed.
 */
import type { FunctionError } from './types.ts';

const statusCodes = {
  InvalidParameterValueException: 400,
  InvalidRequestContentException: 400,
  AccessDeniedException: 403,
  ResourceNotFoundException: 404,
  ResourceConflictException: 409,
  RequestTooLargeException: 413,
  TooManyRequestsException: 429,
  ServiceException: 500,
} as const;

export type LambdaErrorCode = keyof typeof statusCodes;

/** An answer of the Lambda API that is not the function's own. */
export class LambdaError extends Error {
  override readonly name = 'LambdaError';
  readonly code: LambdaErrorCode;
  readonly statusCode: number;
  /** Of a throttle: which limit was met. */
  readonly reason: string | undefined;

  constructor(code: LambdaErrorCode, message: string, reason?: string) {
    super(message);
    this.code = code;
    this.statusCode = statusCodes[code];
    this.reason = reason;
  }
}

/** The function threw, exited, timed out or lost its worker. */
export class FunctionFailure extends Error {
  override readonly name = 'FunctionFailure';
  readonly functionError: FunctionError;

  constructor(functionError: FunctionError) {
    super(`${functionError.errorType}: ${functionError.errorMessage}`);
    this.functionError = functionError;
  }
}
