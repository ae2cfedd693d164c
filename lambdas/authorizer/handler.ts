/**
 * `authorizer`: the key of `X-API-Key` → tenant and role, for API Gateway. A key is remembered for
 * 10 s in memory, so a revoked one works no longer than that; API Gateway itself caches nothing.
 */
import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { API_KEY_PATTERN } from '../../contract/ids.ts';
import { callerOf } from '../../core/account/account.ts';
import type { Caller } from '../../core/account/caller.ts';
import { toCallerContext } from '../shared/caller-context.ts';
import { documentClient, stateStores } from '../shared/clients.ts';
import { parseEnv } from '../shared/env.ts';
import { clock, digest } from '../shared/system.ts';
import { AuthorizerEnv } from './env.ts';

const env = parseEnv(AuthorizerEnv);
const { accounts } = stateStores(documentClient(), env.STATE_TABLE);
const limits = {
  liveSandboxes: env.MAX_LIVE_SANDBOXES,
  requestsPerSecond: env.REQUESTS_PER_SECOND,
};

const REMEMBERED_MS = 10_000;
const MAX_REMEMBERED = 10_000;
const known = new Map<string, { caller: Caller; untilMs: number }>();

export async function handler(
  event: APIGatewayRequestAuthorizerEvent,
): Promise<APIGatewayAuthorizerResult> {
  const secret = apiKey(event);
  const caller = secret === undefined ? undefined : await lookUp(secret);
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

async function lookUp(secret: string): Promise<Caller | undefined> {
  const hash = digest.sha256(secret);
  const now = clock.nowMs();
  const remembered = known.get(hash);
  if (remembered && remembered.untilMs > now) return remembered.caller;
  const caller = await callerOf({ accounts, digest, limits }, secret);
  known.delete(hash);
  if (!caller) return undefined;
  if (known.size >= MAX_REMEMBERED) known.clear();
  known.set(hash, { caller, untilMs: now + REMEMBERED_MS });
  return caller;
}
