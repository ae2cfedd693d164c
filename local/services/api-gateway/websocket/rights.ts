/** What a request to `@connections` asks for: one action, on the route with its method. */
import type { Right } from '../../iam/decision.ts';
import type { UncheckedRequest } from '../../service.ts';

/** `arn` is that of the API: `arn:aws:execute-api:<region>:<account>:<api>`. */
export function connectionRights(arn: string, { url, incoming }: UncheckedRequest): Right[] {
  const [, stage = '', ...rest] = url.pathname.split('/');
  const resource = `${arn}/${stage}/${incoming.method}/${rest.join('/')}`;
  return [{ action: 'execute-api:ManageConnections', resource }];
}
