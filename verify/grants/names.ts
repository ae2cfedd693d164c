/** How grants are named: for the trials as they are deployed, for people and for `proven.json` without what a deployment adds. */
import type { Grant } from './control.ts';

const STACK_NAME = 'code-interpreter';

export const functionNamed = (name: string): string => `${STACK_NAME}-${name}`;

export const keyOf = ({ role, policy, statement, action, resource }: Grant): string =>
  [role, policy, statement, action, resource].join(' ');

/** A role as the template names it, without its hashes: `<stack>-<logical id><8 hex>-<12 hex>`. */
export const roleIdOf = ({ role }: Pick<Grant, 'role'>): string =>
  /^.+-(\w+?)[0-9A-F]{8}-[0-9A-F]{12}$/.exec(role)?.[1] ?? role;

export const describe = (grant: Grant): string => {
  const resource = grant.resource.split(':').slice(5).join(':') || grant.resource;
  return `${roleIdOf(grant)} ${grant.action} ${resource}`;
};

/** What of a resource reads the same in the template and in a deployment, and tells it from another of its kind. */
const partOf = (resource: string): string =>
  (
    resource.match(/(?<!Exports)Output|State|segments|transfers|gsi\d|(?<=:function:).+/g) ?? []
  ).join(' ');

/** How `proven.json` names a grant. */
export const provenName = (roleId: string, action: string, resource: string): string =>
  [roleId, action, partOf(resource)].join(' ').trimEnd();
