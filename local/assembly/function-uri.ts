/** Finds the function behind the URI by which API Gateway calls it. */
import { AssemblyError } from './errors.ts';

/** `…:lambda:path/<version>/functions/<arn>/<operation>`; the operation must fit the transfer mode, as AWS demands. */
export function functionOf(uri: string, operation: string, owner: string): string {
  const match = /\/functions\/(arn:[^/]+)\/([a-z-]+)$/.exec(uri);
  const [, arn, found] = match ?? [];
  if (arn === undefined || found !== operation)
    throw new AssemblyError(
      `${owner}: the integration's URI ${uri} is not a function's ${operation}`,
    );
  return arn.split(':').at(6) ?? '';
}
