/**
 * What the roles of a deployment may do: answers for each request of a principal whether its role's policies allow it,
 * and remembers which grant did. Whoever asks enforces; until a model is loaded, nothing is allowed.
 */
import type { Context } from './conditions.ts';
import { type Decision, decide, type Grant, grantsOf, type Right } from './decision.ts';
import { type Denial, denialOf } from './denial.ts';
import type { AccessModel, Actor, Role } from './model.ts';
import type { Policy } from './policy.ts';

/** A grant as it is named over the control port. */
export interface GrantName {
  readonly role: string;
  readonly policy: string;
  /** Of the statement in its policy. */
  readonly statement: number;
  readonly action: string;
  readonly resource: string;
}

export interface GrantState extends GrantName {
  /** Functions that act under the role. */
  readonly functions: readonly string[];
  readonly effect: 'Allow' | 'Deny';
  readonly conditions: Policy['statements'][number]['conditions'];
  /** Requests that it let through. */
  readonly used: number;
  /** Requests that were refused while it was omitted, and only then. */
  readonly missed: number;
  readonly omitted: boolean;
}

/** Whoever owns the account: holds every right. */
export const OPERATOR = 'operator';

const NOTHING: AccessModel = { roles: [], principals: new Map(), resourcePolicies: new Map() };

export class AccessControl {
  #model = NOTHING;
  #roles = new Map<string, Role>();
  readonly #used = new Map<string, number>();
  readonly #missed = new Map<string, number>();
  readonly #omitted = new Set<string>();
  readonly #log: (line: string) => void;

  constructor(options: { readonly log: (line: string) => void }) {
    this.#log = options.log;
  }

  load(model: AccessModel): void {
    this.#model = model;
    this.#roles = new Map(model.roles.map((role) => [role.arn, role]));
  }

  /** The first of the rights that the holder of an access key does not have. */
  check(principal: string, rights: readonly Right[]): Denial | undefined {
    if (principal === OPERATOR) return undefined;
    const actor = this.#model.principals.get(principal);
    return this.checkActor(actor ?? { roleArn: '', session: principal }, rights);
  }

  checkActor(actor: Actor, rights: readonly Right[]): Denial | undefined {
    for (const right of rights) {
      const { decision, isTrial } = this.#decide(actor, right);
      if (decision.allowed) continue;
      const denial = denialOf(actor, right, decision.deniedBy);
      // What was taken away for a trial is not missing in the template.
      if (!isTrial) this.#log(denial.remedy);
      return denial;
    }
    return undefined;
  }

  grants(): readonly GrantState[] {
    const principals = [...this.#model.principals];
    return this.#model.roles.flatMap((role) => {
      const functions = principals
        .filter(([, { roleArn }]) => roleArn === role.arn)
        .map(([name]) => name);
      return role.policies.flatMap((policy) =>
        grantsOf(policy).flatMap((grant) => {
          const { effect, conditions } = policy.statements[grant.index] ?? {};
          if (effect === undefined || conditions === undefined) return [];
          const name = nameOf(role, grant);
          const key = keyOf(name);
          return {
            ...name,
            functions,
            effect,
            conditions,
            used: this.#used.get(key) ?? 0,
            missed: this.#missed.get(key) ?? 0,
            omitted: this.#omitted.has(key),
          };
        }),
      );
    });
  }

  /**
   * As if the template had never given it, nor the resource's own policy the same again: either would do.
   * False if the template does not.
   */
  omit(name: GrantName): boolean {
    const known = this.grants().some((grant) => keyOf(grant) === keyOf(name));
    if (known) this.#omitted.add(keyOf(name)).add(twinKey(name));
    return known;
  }

  restoreAll(): void {
    this.#omitted.clear();
  }

  resetCounts(): void {
    this.#used.clear();
    this.#missed.clear();
  }

  #decide(actor: Actor, right: Right): { decision: Decision; isTrial: boolean } {
    const role = this.#roles.get(actor.roleArn);
    if (role === undefined)
      return { decision: { allowed: false, deniedBy: undefined }, isTrial: false };
    const omitted: string[] = [];
    const decision = decide({
      caller: { kind: 'AWS', id: role.arn },
      right,
      context: contextOf(actor, right),
      identityPolicies: role.policies,
      resourcePolicies: this.#resourcePolicies(right.resource),
      isOmitted: (grant) => {
        const name = nameOf(role, grant);
        if (!role.policies.includes(grant.policy)) return this.#omitted.has(twinKey(name));
        const isOmitted = this.#omitted.has(keyOf(name));
        if (isOmitted) omitted.push(keyOf(name));
        return isOmitted;
      },
    });
    if (decision.allowed)
      count(
        this.#used,
        decision.by.map((grant) => keyOf(nameOf(role, grant))),
      );
    else count(this.#missed, omitted);
    return { decision, isTrial: omitted.length > 0 };
  }

  /** An object has the policy of its bucket. */
  #resourcePolicies(arn: string): readonly Policy[] {
    const owner = arn.startsWith('arn:aws:s3:::') ? (arn.split('/')[0] ?? arn) : arn;
    return this.#model.resourcePolicies.get(owner) ?? [];
  }
}

const nameOf = (role: Role, { policy, index, action, resource }: Grant): GrantName => ({
  role: role.name,
  policy: policy.name,
  statement: index,
  action,
  resource,
});

const keyOf = ({ role, policy, statement, action, resource }: GrantName): string =>
  JSON.stringify([role, policy, statement, action, resource]);

/** Whoever gives it. */
const twinKey = ({ role, action, resource }: GrantName): string =>
  JSON.stringify([role, action, resource]);

function count(counts: Map<string, number>, keys: readonly string[]): void {
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** What AWS says of every request, beside what the service says of this one. */
function contextOf({ roleArn, functionArn }: Actor, right: Right): Context {
  return new Map<string, readonly string[]>([
    ...Object.entries(right.context ?? {}),
    ['aws:principalarn', [roleArn]],
    // The front door stands for HTTPS: see docs/local-differences.md.
    ['aws:securetransport', ['true']],
    ...(functionArn === undefined ? [] : [['lambda:sourcefunctionarn', [functionArn]] as const]),
  ]);
}
