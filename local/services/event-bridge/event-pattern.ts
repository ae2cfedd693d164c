/**
 * EventBridge's event patterns. A pattern is compiled once, so that an operator which this machine does not know
 * stops the start; matching is pure and never throws.
 */

type Json = unknown;
type Test = (value: Json, present: boolean) => boolean;
export type EventMatcher = (event: Json) => boolean;

class PatternError extends Error {
  override readonly name = 'PatternError';
}

function isObject(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const text =
  (test: (value: string) => boolean): Test =>
  (value) =>
    typeof value === 'string' && test(value);

function wildcard(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}

const comparisons: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

/** `[">=", 0, "<", 10]`: every pair must hold. */
function numeric(argument: Json): Test {
  const parts = Array.isArray(argument) ? argument : [];
  const tests: ((value: number) => boolean)[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const compare = comparisons[String(parts[index])];
    const bound: unknown = parts[index + 1];
    if (compare === undefined || typeof bound !== 'number')
      throw new PatternError(
        `numeric takes pairs such as [">", 0], got ${JSON.stringify(argument)}`,
      );
    tests.push((value) => compare(value, bound));
  }
  if (tests.length === 0) throw new PatternError('numeric takes at least one pair');
  return (value) => typeof value === 'number' && tests.every((test) => test(value));
}

function anythingBut(argument: Json): Test {
  const refused = isObject(argument)
    ? operator(argument)
    : anyOf([argument].flat().map((literal) => equals(literal)));
  return (value, present) => present && !refused(value, present);
}

function equals(literal: Json): Test {
  if (typeof literal === 'object' && literal !== null)
    throw new PatternError(`not a value to compare with: ${JSON.stringify(literal)}`);
  return (value, present) => present && value === literal;
}

function anyOf(tests: readonly Test[]): Test {
  return (value, present) => tests.some((test) => test(value, present));
}

const operators: Readonly<Record<string, (argument: Json) => Test>> = {
  prefix: (argument) => text((value) => value.startsWith(String(argument))),
  suffix: (argument) => text((value) => value.endsWith(String(argument))),
  wildcard: (argument) => text((value) => wildcard(String(argument)).test(value)),
  'equals-ignore-case': (argument) =>
    text((value) => value.toLowerCase() === String(argument).toLowerCase()),
  'anything-but': anythingBut,
  numeric,
  exists: (argument) => (_value, present) => present === (argument === true),
};

function operator(rule: Record<string, Json>): Test {
  const [entry, second] = Object.entries(rule);
  const build = entry === undefined ? undefined : operators[entry[0]];
  if (entry === undefined || build === undefined || second !== undefined)
    throw new PatternError(
      `${JSON.stringify(rule)} is not an operator that this machine knows (${Object.keys(operators).join(', ')})`,
    );
  return build(entry[1]);
}

/** The values of one field: an array in the event stands for each of its items. */
function field(rules: readonly Json[]): Test {
  const test = anyOf(rules.map((rule) => (isObject(rule) ? operator(rule) : equals(rule))));
  return (value, present) =>
    Array.isArray(value) && value.length > 0
      ? value.some((item) => test(item, true))
      : test(value, present);
}

function compile(pattern: Json, path: string): Test {
  if (Array.isArray(pattern)) {
    if (pattern.length === 0)
      throw new PatternError(`${path} is an empty list: it would match nothing`);
    return field(pattern);
  }
  if (!isObject(pattern)) throw new PatternError(`${path} must be a list or an object`);
  const tests = Object.entries(pattern).map(
    ([name, inner]) => [name, compile(inner, path === '' ? name : `${path}.${name}`)] as const,
  );
  const matchesObject = (value: Json): boolean =>
    tests.every(([name, test]) => {
      const present = isObject(value) && Object.hasOwn(value, name);
      return test(present ? value[name] : undefined, present);
    });
  return (value) => (Array.isArray(value) ? value.some(matchesObject) : matchesObject(value));
}

export function compilePattern(pattern: Readonly<Record<string, unknown>>): EventMatcher {
  const test = compile(pattern, '');
  return (event) => test(event, true);
}
