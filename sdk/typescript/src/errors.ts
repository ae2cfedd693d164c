/**
 * What the SDK throws, and nothing else: one class with a closed code, one below it for transport.
 * User code that failed is data in a result and never comes here. No error carries the API key.
 */
import type { ErrorCode as ApiErrorCode, ErrorDetails } from '../../../contract/errors.ts';

/** The API's codes, and the three that only a client can know. */
export type ErrorCode =
  | ApiErrorCode
  | 'CONFIGURATION_ERROR'
  | 'CONNECTION_ERROR'
  | 'INVALID_ANSWER';

/** The facts of an error. */
export interface ErrorFacts {
  /** HTTP status of the answer; absent where there was none. */
  readonly status?: number | undefined;
  /** `X-Request-Id` of the answer: name it when you report a problem. */
  readonly requestId?: string | undefined;
  /** @default false */
  readonly retryable?: boolean | undefined;
  readonly details?: ErrorDetails | undefined;
  /** What `Retry-After` asked for. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** Marks that two copies of this package share, so that `instanceof` works across them. */
const ERROR_MARK = Symbol.for('@code-interpreter/sdk/CodeInterpreterError');
const CONNECTION_MARK = Symbol.for('@code-interpreter/sdk/ConnectionError');

const isMarked = (value: unknown, mark: symbol): boolean =>
  typeof value === 'object' && value !== null && mark in value;

/** A subclass of the caller's own keeps the ordinary meaning of `instanceof`. */
const isPlainInstance = (type: object, value: unknown): boolean =>
  Function.prototype[Symbol.hasInstance].call(type, value);

/**
 * An operation was refused or failed; `code` says which way.
 *
 * @example
 * ```ts
 * try {
 *   await client.getSandbox(id);
 * } catch (error) {
 *   if (error instanceof CodeInterpreterError && error.code === 'SANDBOX_NOT_FOUND') return;
 *   throw error;
 * }
 * ```
 */
export class CodeInterpreterError extends Error {
  override name = 'CodeInterpreterError';
  /** One of {@link ErrorCode}; a newer server may answer a code that this version does not know. */
  readonly code: ErrorCode | (string & {});
  /** HTTP status of the answer; absent where there was none. */
  readonly status: number | undefined;
  /** Id of the request, for a report. */
  readonly requestId: string | undefined;
  /** True where the same call may succeed later. */
  readonly retryable: boolean;
  /** Facts of this one error, such as the field that was refused. */
  readonly details: ErrorDetails | undefined;
  /** What `Retry-After` asked for. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode | (string & {}), message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? {} : { cause: facts.cause });
    this.code = code;
    this.status = facts.status;
    this.requestId = facts.requestId;
    this.retryable = facts.retryable ?? false;
    this.details = facts.details;
    this.retryAfterMs = facts.retryAfterMs;
    Object.defineProperty(this, ERROR_MARK, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === CodeInterpreterError
      ? isMarked(value, ERROR_MARK)
      : isPlainInstance(this, value);
  }
}

/**
 * The API could not be reached, or a connection was lost and could not be taken up again.
 *
 * Where it names `details.executionId`, the execution goes on without this reader and its events
 * stay readable after `details.after`.
 */
export class ConnectionError extends CodeInterpreterError {
  override name = 'ConnectionError';

  constructor(message: string, facts: ErrorFacts = {}) {
    super('CONNECTION_ERROR', message, facts);
    Object.defineProperty(this, CONNECTION_MARK, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === ConnectionError
      ? isMarked(value, CONNECTION_MARK)
      : isPlainInstance(this, value);
  }
}

/** What the server said cannot be understood: a defect, or a version too far from this one. */
export const invalidAnswer = (message: string, facts: ErrorFacts = {}): CodeInterpreterError =>
  new CodeInterpreterError('INVALID_ANSWER', message, facts);
