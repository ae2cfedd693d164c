/**
 * `authorizer`: the key of `X-API-Key` → tenant and role, for API Gateway, which itself caches
 * nothing. A key is remembered for a while in memory (`KEY_REMEMBERED_MS`, 10 s), so a revoked one
 * works no longer than that.
 */
import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { API_KEY_PATTERN } from '../../contract/ids.ts';
import { authenticate } from '../../core/account/authenticate.ts';
import { KnownCallers } from '../../core/account/known-callers.ts';
import { toCallerContext } from '../shared/caller-context.ts';
import { parseEnv } from '../shared/env.ts';
import { AuthorizerEnv } from './env.ts';
import { wire } from './wire.ts';

const env = parseEnv(AuthorizerEnv);
const deps = wire(env);
const known = new KnownCallers({
  clock: deps.clock,
  rememberMs: env.KEY_REMEMBERED_MS,
  find: (sha256) => authenticate(deps, sha256),
});

export async function handler(
  event: APIGatewayRequestAuthorizerEvent,
): Promise<APIGatewayAuthorizerResult> {
  const secret = apiKey(event);
  const caller = secret && (await known.get(deps.digest.sha256(secret)));
  // API Gateway answers 401 to exactly this message.
  if (!caller) throw new Error('Unauthorized');
  return {
    principalId: caller.keyId,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: event.methodArn }],
    },
    context: toCallerContext(caller),
  };
}

function apiKey(event: APIGatewayRequestAuthorizerEvent): string | undefined {
  const entry = Object.entries(event.headers ?? {}).find(
    ([name]) => name.toLowerCase() === 'x-api-key',
  );
  const value = entry?.[1];
  return value && API_KEY_PATTERN.test(value) ? value : undefined;
}
