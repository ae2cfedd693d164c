/** Answers in the one envelope. A cause of ours goes to the log only. */
import * as z from 'zod/mini';
import { AppError, type ErrorBody, isRetryable, statusOf } from '../../contract/errors.ts';
import { type OperationId, operationOf } from '../../contract/operations.ts';
import { EXPOSED_HEADERS } from '../../contract/rest/headers.ts';
import { Nothing } from '../../contract/rest/operation.ts';
import { logError } from './telemetry.ts';

export interface Answer {
  readonly status: number;
  readonly data: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The data alone, without the envelope. */
  readonly bare?: boolean;
}

export interface HttpAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
  isBase64Encoded?: boolean;
}

/** What every answer of a request carries. */
export interface AnswerContext {
  readonly requestId: string;
  readonly allowedOrigin: string;
}

export const commonHeaders = ({ requestId, allowedOrigin }: AnswerContext) => ({
  'Cache-Control': 'no-store',
  'X-Request-Id': requestId,
  'Access-Control-Allow-Origin': allowedOrigin,
  'Access-Control-Expose-Headers': EXPOSED_HEADERS,
});

const jsonHeaders = (context: AnswerContext) => ({
  'Content-Type': 'application/json',
  ...commonHeaders(context),
});

/** What the contract does not name does not leave. */
export function toHttp(id: OperationId, answer: Answer, context: AnswerContext): HttpAnswer {
  const schema = operationOf(id).answers[answer.status];
  if (!schema) throw new Error(`${id} answered ${answer.status}, which its contract does not have`);
  const data = z.parse(schema, answer.data);
  const statusCode = answer.status;
  if (schema === Nothing)
    return { statusCode, headers: { ...commonHeaders(context), ...answer.headers }, body: '' };
  if (data instanceof Uint8Array) return bytesToHttp(data, answer, context);
  return {
    statusCode,
    headers: { ...jsonHeaders(context), ...answer.headers },
    body: JSON.stringify(answer.bare ? data : { success: true, data }),
  };
}

/** What a sandbox holds is never taken for a page or a script. */
const bytesToHttp = (data: Uint8Array, answer: Answer, context: AnswerContext): HttpAnswer => ({
  statusCode: answer.status,
  headers: {
    'Content-Type': 'application/octet-stream',
    'X-Content-Type-Options': 'nosniff',
    ...commonHeaders(context),
    ...answer.headers,
  },
  body: Buffer.from(data).toString('base64'),
  isBase64Encoded: true,
});

export function errorToHttp(error: unknown, context: AnswerContext): HttpAnswer {
  const { requestId } = context;
  const known = error instanceof AppError ? error : internalError(error, requestId);
  const body: ErrorBody = {
    code: known.code,
    message: known.message,
    retryable: isRetryable(known.code),
    requestId,
    ...(known.details ? { details: known.details } : {}),
  };
  return {
    statusCode: statusOf(known.code),
    headers: {
      ...jsonHeaders(context),
      ...(known.retryAfterSeconds === undefined
        ? {}
        : { 'Retry-After': String(known.retryAfterSeconds) }),
    },
    body: JSON.stringify({ success: false, error: body }),
  };
}

/** What a caller is told of a failure of ours; the rest is for the log. */
export function internalError(error: unknown, requestId: string): AppError {
  logError('request failed', error, { requestId });
  return new AppError(
    'INTERNAL_ERROR',
    'Something went wrong on our side. Try again, and name the request id if it stays.',
  );
}
