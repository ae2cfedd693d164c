/**
 * Schema in, typed value out, or one closed VALIDATION_ERROR that names the field, the value got
 * and what is allowed. The one way in which anything that crosses a trust border is read.
 */
import * as z from 'zod/mini';
import { AppError } from './errors.ts';

/** Fields whose values may be secrets or code: never echoed. */
const PRIVATE_FIELDS = new Set(['env', 'code', 'stdin', 'text', 'token', 'apiKey']);
const ECHO_CHARS = 80;
/** The rest is counted: an answer must not grow with what was sent. */
const MAX_PROBLEMS = 20;

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
  const { problems, omitted } = firstOfEachField(parsed.error.issues);
  const [first] = problems;
  throw new AppError(
    'VALIDATION_ERROR',
    `${where}: ${first?.field ?? ''} ${first?.problem ?? ''}`.trim(),
    {
      details: { in: where, problems, ...(omitted === 0 ? {} : { omittedProblems: omitted }) },
    },
  );
}

/** A wrong type also breaks the length and the pattern: what is told first says it all. */
function firstOfEachField(issues: readonly z.core.$ZodIssue[]) {
  const problems = new Map<string, Problem>();
  let omitted = 0;
  for (const issue of issues) {
    for (const problem of describe(issue)) {
      if (problems.has(problem.field)) continue;
      if (problems.size < MAX_PROBLEMS) problems.set(problem.field, problem);
      else omitted += 1;
    }
  }
  return { problems: [...problems.values()], omitted };
}

function describe(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: fieldOf([...path, key]),
      problem: 'is not a known field',
    }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return issue.errors.flat().map((inner) => nest(path, inner));
  }
  return [{ field: fieldOf(path), problem: `${allowed(issue)}${received(issue, path)}` }];
}

const fieldOf = (path: string[]) => shorten(path.map(shorten).join('.')) || '(whole)';
const shorten = (text: string) =>
  text.length > ECHO_CHARS ? `${text.slice(0, ECHO_CHARS)}…` : text;

function nest(path: string[], inner: z.core.$ZodIssue): Problem {
  return (
    describe({ ...inner, path: [...path, ...inner.path] })[0] ?? {
      field: fieldOf(path),
      problem: 'is not valid',
    }
  );
}

function allowed(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is required: ${kind(issue.expected)}`
        : `must be ${kind(issue.expected)}`;
    case 'too_big':
      return `must be ${issue.inclusive === false ? 'below' : 'at most'} ${issue.maximum}${unit(issue.origin)}`;
    case 'too_small':
      return `must be ${issue.inclusive === false ? 'above' : 'at least'} ${issue.minimum}${unit(issue.origin)}`;
    case 'invalid_value':
      return `${issue.input === undefined ? 'is required:' : 'must be'} one of ${issue.values.map(String).join(', ')}`;
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

function kind(type: string): string {
  if (type === 'int') return 'a whole number';
  if (type === 'record') return 'an object';
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function received(issue: z.core.$ZodIssue, path: string[]): string {
  if (issue.input === undefined || path.some((part) => PRIVATE_FIELDS.has(part))) return '';
  return `, got ${shown(issue.input)}`;
}

/** Of what may be large or deep only its kind: a walk through it could take the stack. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value));
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
