/** What a request to Lambda asks for: every way to invoke a function, also with a streamed answer, is one action. */
import type { Right } from '../iam/decision.ts';
import type { UncheckedRequest } from '../service.ts';

const FUNCTION = /^\/[\d-]+\/functions\/([^/]+)\/(?:invocations|response-streaming-invocations)$/;

export function lambdaRights(
  { url, incoming }: UncheckedRequest,
  functionArn: (name: string) => string,
): Right[] {
  const name = incoming.method === 'POST' ? FUNCTION.exec(url.pathname)?.[1] : undefined;
  if (name === undefined)
    return [{ action: `lambda:${incoming.method} ${url.pathname}`, resource: '*' }];
  const decoded = decodedOr(name);
  const resource = decoded.startsWith('arn:') ? decoded : functionArn(decoded);
  return [{ action: 'lambda:InvokeFunction', resource }];
}

function decodedOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
