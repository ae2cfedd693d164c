/**
 * From what went wrong to an answer: every problem of a caller names the field, the value and what
 * is allowed. Must never send a cause, a stack or a value that may be secret.
 */
import type * as z from 'zod/mini';
import {
  type AgentErrorBody,
  AppError,
  type ErrorDetails,
  isRetryable,
  statusOf,
} from '../../../contract/errors.ts';

/** Of a field's name or value this much is shown. */
const SHOWN_CHARS = 100;
/** Values that may be secret or large; the name of the field is enough. */
const UNSHOWN = new Set(['code', 'stdin', 'text', 'env', 'tokenSha256', 'accessTokenSha256']);

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AgentErrorBody;
}

export function answerFor(error: AppError): ErrorAnswer {
  const { code, message, details } = error;
  const retryAfter = error.retryAfterSeconds;
  return {
    status: statusOf(code),
    headers:
      isRetryable(code) && retryAfter !== undefined ? { 'retry-after': String(retryAfter) } : {},
    body: { code, message, ...(details === undefined ? {} : { details }) },
  };
}

/** Parses what a caller sent. */
export function parseInput<T>(schema: z.ZodMiniType<T>, input: unknown): T {
  const parsed = schema.safeParse(input, { reportInput: true });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (!issue) throw new Error('a schema refused without saying why');
  throw validationError(issue);
}

function validationError(issue: z.core.$ZodIssue): AppError {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const field = short([...issue.path, ...unknown].join('.')) || 'body';
  const allowed = allowedBy(issue);
  const shown = UNSHOWN.has(String(issue.path[0])) || unknown.length > 0 ? {} : valueOf(issue);
  const got = 'value' in shown ? `, got ${JSON.stringify(shown['value'])}` : '';
  const details: ErrorDetails = { field, ...shown, allowed };
  return new AppError('VALIDATION_ERROR', `${field}: ${allowed}${got}`, { details });
}

function valueOf(issue: z.core.$ZodIssue): ErrorDetails {
  const { input } = issue;
  if (typeof input === 'string') return { value: short(input) };
  // An object or array may be large and deep: its writing would cost more than its reading.
  return typeof input === 'number' || typeof input === 'boolean' || input === null
    ? { value: input }
    : {};
}

function short(text: string): string {
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}

function allowedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is required (${issue.expected})`
        : `must be a ${issue.expected}`;
    case 'unrecognized_keys':
      return 'is not a known field';
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'invalid_format':
      return issue.message === 'Invalid input' ? `must be a valid ${issue.format}` : issue.message;
    default:
      return issue.message === 'Invalid input' ? 'is not valid' : issue.message;
  }
}

export function refuseLarge(
  code: 'CODE_TOO_LARGE' | 'PAYLOAD_TOO_LARGE',
  field: string,
  text: string,
  limit: number,
): void {
  const size = Buffer.byteLength(text);
  if (size > limit)
    throw new AppError(code, `${field}: must be at most ${limit} bytes, got ${size}`, {
      details: { field, sizeBytes: size, allowed: limit },
    });
}
