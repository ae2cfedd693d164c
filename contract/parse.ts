/**
 * Schema in, typed value out, or one closed VALIDATION_ERROR that names the field, the value got
 * and what is allowed. The one way in which anything that crosses a trust border is read.
 */
import * as z from 'zod/mini';
import { AppError } from './errors.ts';

/** Fields whose values may be secrets or code: never echoed. */
const PRIVATE_FIELDS = new Set(['env', 'code', 'stdin', 'token', 'apiKey']);
const ECHO_CHARS = 80;

export interface Problem {
  readonly field: string;
  readonly problem: string;
}

/**
 * @param where what was read: `body`, `query`, `path` …
 * @throws {AppError} VALIDATION_ERROR with `details: {in, problems: [{field, problem}]}`
 */
export function parse<S extends z.core.$ZodType>(
  schema: S,
  input: unknown,
  where: string,
): z.output<S> {
  const parsed = z.safeParse(schema, input, { reportInput: true });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap(describe);
  const [first] = problems;
  throw new AppError(
    'VALIDATION_ERROR',
    `${where}: ${first?.field ?? ''} ${first?.problem ?? ''}`.trim(),
    {
      details: { in: where, problems },
    },
  );
}

function describe(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: [...path, key].join('.'),
      problem: 'is not a known field',
    }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return issue.errors.flat().map((inner) => nest(path, inner));
  }
  const field = path.join('.') || '(whole)';
  return [{ field, problem: `${allowed(issue)}${received(issue, path)}` }];
}

function nest(path: string[], inner: z.core.$ZodIssue): Problem {
  return (
    describe({ ...inner, path: [...path, ...inner.path] })[0] ?? {
      field: path.join('.'),
      problem: 'is not valid',
    }
  );
}

function allowed(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is required (${issue.expected})`
        : `must be ${article(issue.expected)}`;
    case 'too_big':
      return `must be ${issue.inclusive === false ? 'below' : 'at most'} ${issue.maximum}${unit(issue.origin)}`;
    case 'too_small':
      return `must be ${issue.inclusive === false ? 'above' : 'at least'} ${issue.minimum}${unit(issue.origin)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      return issue.message && issue.message !== 'Invalid input'
        ? issue.message
        : `must be a valid ${issue.format}`;
    case 'custom':
      return issue.message || 'is not valid';
    case 'invalid_key':
      return `is not a valid name: ${issue.issues[0]?.message ?? ''}`;
    default:
      return issue.message || 'is not valid';
  }
}

const unit = (origin: string) =>
  origin === 'string' ? ' characters' : origin === 'array' ? ' items' : '';
const article = (type: string) => (/^[aeio]/.test(type) ? `an ${type}` : `a ${type}`);

function received(issue: z.core.$ZodIssue, path: string[]): string {
  if (issue.input === undefined || path.some((part) => PRIVATE_FIELDS.has(part))) return '';
  const text = JSON.stringify(issue.input) ?? typeof issue.input;
  return `, got ${text.length > ECHO_CHARS ? `${text.slice(0, ECHO_CHARS)}…` : text}`;
}
