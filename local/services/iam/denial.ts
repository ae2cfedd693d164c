/** How a refusal is worded: to the caller as AWS words it, to the log with the statement that is missing. Pure. */
import type { Right } from './decision.ts';
import type { Actor } from './model.ts';

export interface Denial {
  readonly right: Right;
  /** What the caller is told. */
  readonly message: string;
  /** A line for the log. */
  readonly remedy: string;
}

export function denialOf(
  actor: Actor,
  right: Right,
  deniedBy: 'identity' | 'resource' | undefined,
): Denial {
  const { action, resource } = right;
  const why =
    deniedBy === undefined
      ? `because no identity-based policy allows the ${action} action`
      : `with an explicit deny in ${deniedBy === 'identity' ? 'an identity' : 'a resource'}-based policy`;
  const message = `User: ${sessionArn(actor)} is not authorized to perform: ${action} on resource: ${resource} ${why}`;
  return { right, message, remedy: deniedBy === undefined ? missing(actor, right) : message };
}

function missing({ session }: Actor, { action, resource, context = {} }: Right): string {
  const statement = { Effect: 'Allow', Action: action, Resource: resource };
  const keys = Object.entries(context).map(([key, values]) => `${key}=${values.join(',')}`);
  const of = keys.length === 0 ? '' : `, with ${keys.join(' ')}`;
  return `${session} may not ${action}; its role lacks the statement ${JSON.stringify(statement)}${of}`;
}

function sessionArn({ roleArn, session }: Actor): string {
  const [, account, role] = /^arn:aws:iam::(\d*):role\/(?:.*\/)?(.+)$/.exec(roleArn) ?? [];
  return role === undefined ? session : `arn:aws:sts::${account}:assumed-role/${role}/${session}`;
}
