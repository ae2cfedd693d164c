/**
 * Whether a request may pass, by IAM's rules within one account: an explicit Deny of any policy wins; else one Allow,
 * of the caller's own policies or of the resource's, is enough; else it is refused. Pure.
 */
import { isLike } from '../shared/wildcards.ts';
import { isArnLike } from './arn.ts';
import { type Context, holds } from './conditions.ts';
import type { Policy, Statement } from './policy.ts';

/** One thing that a request asks for. A request may ask for several: all must be allowed. */
export interface Right {
  /** `dynamodb:GetItem`. */
  readonly action: string;
  /** ARN, or `*` where the action takes no resource. */
  readonly resource: string;
  /** Condition keys of the service, in lower case. */
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

export interface Caller {
  /** `AWS` for a role, `Service` for AWS itself. */
  readonly kind: 'AWS' | 'Service';
  /** ARN of the role, or the name of the service. */
  readonly id: string;
}

export interface Question {
  readonly caller: Caller;
  readonly right: Right;
  readonly context: Context;
  readonly identityPolicies: readonly Policy[];
  readonly resourcePolicies: readonly Policy[];
  /** Allows that do not count. */
  readonly isOmitted?: (grant: Grant) => boolean;
}

/** One action on one resource of one statement: the least that a policy can be without. */
export interface Grant {
  readonly policy: Policy;
  /** Of the statement in its policy. */
  readonly index: number;
  readonly action: string;
  readonly resource: string;
}

export type Decision =
  | { readonly allowed: true; readonly by: readonly Grant[] }
  | {
      readonly allowed: false;
      /** Undefined: nothing allows it. */
      readonly deniedBy: 'identity' | 'resource' | undefined;
    };

export function decide(question: Question): Decision {
  const identity = matching(question, question.identityPolicies, () => true);
  const resource = matching(question, question.resourcePolicies, (statement) =>
    names(statement, question.caller),
  );
  if (identity.some(isDeny)) return { allowed: false, deniedBy: 'identity' };
  if (resource.some(isDeny)) return { allowed: false, deniedBy: 'resource' };
  const by = [...identity, ...resource].filter((grant) => !question.isOmitted?.(grant));
  return by.length > 0 ? { allowed: true, by } : { allowed: false, deniedBy: undefined };
}

const isDeny = ({ policy, index }: Grant): boolean => policy.statements[index]?.effect === 'Deny';

function matching(
  { right, context }: Question,
  policies: readonly Policy[],
  isMeant: (statement: Statement) => boolean,
): Grant[] {
  return policies.flatMap((policy) =>
    policy.statements.flatMap((statement, index) => {
      const actions = statement.actions.filter((action) => isActionLike(action, right.action));
      if (actions.length === 0 || !isMeant(statement)) return [];
      const resources = statement.resources.filter((one) => isArnLike(one, right.resource));
      if (resources.length === 0 || !holds(statement.conditions, context)) return [];
      return pairs(actions, resources).map((pair) => ({ policy, index, ...pair }));
    }),
  );
}

/** Everything that a policy names, an action and a resource at a time. */
export function grantsOf(policy: Policy): Grant[] {
  return policy.statements.flatMap(({ actions, resources }, index) =>
    pairs(actions, resources).map((pair) => ({ policy, index, ...pair })),
  );
}

const pairs = (actions: readonly string[], resources: readonly string[]) =>
  actions.flatMap((action) => resources.map((resource) => ({ action, resource })));

/** Names of actions are compared without regard to case. */
const isActionLike = (pattern: string, action: string): boolean =>
  isLike(pattern.toLowerCase(), action.toLowerCase());

function names({ principal }: Statement, { kind, id }: Caller): boolean {
  return (principal?.[kind] ?? []).some((who) => who === '*' || who === id);
}
