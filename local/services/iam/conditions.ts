/**
 * The Condition element: every operator of a statement must hold, every key of an operator, and of a key's values
 * one (of a negated operator, none). An operator or a key that is not known here is an error, never a match.
 */
import { isLike } from '../shared/wildcards.ts';
import { isArnLike } from './arn.ts';
import { CHECKED_SERVICES, KNOWN_KEYS } from './condition-keys.ts';
import { type Conditions, type Policy, PolicyError } from './policy.ts';

/** Condition key, in lower case → its values in this request. A key that is not there is absent. */
export type Context = ReadonlyMap<string, readonly string[]>;

type Matches = (pattern: string, value: string) => boolean;

const sameText: Matches = (pattern, value) => pattern === value;
const sameLetters: Matches = (pattern, value) => pattern.toLowerCase() === value.toLowerCase();

const POSITIVE: Readonly<Record<string, Matches>> = {
  StringEquals: sameText,
  StringEqualsIgnoreCase: sameLetters,
  StringLike: isLike,
  // AWS: ArnEquals and ArnLike behave alike.
  ArnEquals: isArnLike,
  ArnLike: isArnLike,
  Bool: sameLetters,
};

const NEGATED: Readonly<Record<string, Matches>> = {
  StringNotEquals: sameText,
  StringNotEqualsIgnoreCase: sameLetters,
  StringNotLike: isLike,
  ArnNotEquals: isArnLike,
  ArnNotLike: isArnLike,
};

interface Operator {
  readonly name: string;
  readonly set: 'ForAllValues' | 'ForAnyValue' | undefined;
  /** Absent keys match. */
  readonly ifExists: boolean;
}

function operatorOf(written: string): Operator {
  const match = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(written);
  const [, set, name = '', ifExists] = match ?? [];
  const known = name === 'Null' || Object.hasOwn(POSITIVE, name) || Object.hasOwn(NEGATED, name);
  if (!known) throw new PolicyError(`The condition operator ${written} is not evaluated here`);
  return { name, set: set as Operator['set'], ifExists: ifExists !== undefined };
}

/** Throws for what {@link holds} could not decide, so that a policy is refused when it is read. */
export function checkConditions({ name, statements }: Policy): void {
  for (const { actions, conditions } of statements) {
    if (!actions.some(isChecked)) continue;
    for (const [written, keys] of Object.entries(conditions)) {
      operatorOf(written);
      const unknown = Object.keys(keys).find((key) => !KNOWN_KEYS.has(key.toLowerCase()));
      if (unknown !== undefined)
        throw new PolicyError(
          `The policy ${name} asks for ${unknown}, which has no value on this machine`,
        );
    }
  }
}

const isChecked = (action: string): boolean =>
  action === '*' || CHECKED_SERVICES.includes(action.split(':')[0] ?? '');

export function holds(conditions: Conditions, context: Context): boolean {
  return Object.entries(conditions).every(([written, keys]) => {
    const operator = operatorOf(written);
    return Object.entries(keys).every(([key, patterns]) =>
      holdsFor(operator, patterns, context.get(key.toLowerCase())),
    );
  });
}

function holdsFor(
  { name, set, ifExists }: Operator,
  patterns: readonly string[],
  values: readonly string[] | undefined,
): boolean {
  if (name === 'Null') return patterns.includes(String(values === undefined));
  const positive = POSITIVE[name];
  const negated = NEGATED[name];
  if (values === undefined) return ifExists || set === 'ForAllValues' || negated !== undefined;
  const matchesOne = (value: string): boolean =>
    positive === undefined
      ? !patterns.some((pattern) => negated?.(pattern, value))
      : patterns.some((pattern) => positive(pattern, value));
  // A negated operator without a set holds only if no value is among the patterns.
  const all = set === 'ForAllValues' || (set === undefined && positive === undefined);
  return all ? values.every(matchesOne) : values.some(matchesOne);
}
