/**
 * `authorizer`: the key of `X-API-Key` → tenant and role, for API Gateway, which itself caches
 * nothing. Where a WebSocket connects, and nowhere else, a ticket does in its place. A key is remembered for a while in memory (`KEY_REMEMBERED_MS`, 10 s), so a revoked one
 * works no longer than that.
 */
import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import * as z from 'zod/mini';
import { API_KEY_PATTERN, TICKET_PATTERN } from '../../contract/ids.ts';
import { authenticate } from '../../core/account/authenticate.ts';
import type { Caller } from '../../core/account/caller.ts';
import { KnownCallers } from '../../core/account/known-callers.ts';
import { redeemTicket } from '../../core/account/tickets.ts';
import { TokenBuckets } from '../../core/account/token-buckets.ts';
import { toCallerContext } from '../shared/caller-context.ts';
import { parseEnv } from '../shared/env.ts';
import { AuthorizerEnv } from './env.ts';
import { wire } from './wire.ts';

const env = parseEnv(AuthorizerEnv);
const deps = wire(env);
const Connecting = z.object({
  requestContext: z.object({ eventType: z.literal('CONNECT') }),
  queryStringParameters: z.object({ ticket: z.string().check(z.regex(TICKET_PATTERN)) }),
});

const known = new KnownCallers({
  clock: deps.clock,
  rememberMs: env.KEY_REMEMBERED_MS,
  find: (sha256) => authenticate(deps, sha256),
});
const buckets = new TokenBuckets();

export async function handler(
  event: APIGatewayRequestAuthorizerEvent,
): Promise<APIGatewayAuthorizerResult> {
  const caller = await callerOf(event);
  // API Gateway answers 401 to exactly this message.
  if (!caller) throw new Error('Unauthorized');
  const { requestsPerSecond: perSecond } = caller.limits;
  const waitMs = buckets.take(caller.keyId, { perSecond, nowMs: deps.clock.nowMs() });
  return {
    principalId: caller.keyId,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: event.methodArn }],
    },
    context: toCallerContext(caller, waitMs),
  };
}

async function callerOf(event: APIGatewayRequestAuthorizerEvent): Promise<Caller | undefined> {
  const secret = apiKey(event);
  if (secret !== undefined) return known.get(deps.digest.sha256(secret));
  const ticket = ticketOf(event);
  return ticket === undefined ? undefined : redeemTicket(deps, deps.digest.sha256(ticket));
}

/** REST events have no `eventType`. */
function ticketOf(event: APIGatewayRequestAuthorizerEvent): string | undefined {
  const connects = Connecting.safeParse(event);
  return connects.success ? connects.data.queryStringParameters.ticket : undefined;
}

function apiKey(event: APIGatewayRequestAuthorizerEvent): string | undefined {
  const entry = Object.entries(event.headers ?? {}).find(
    ([name]) => name.toLowerCase() === 'x-api-key',
  );
  const value = entry?.[1];
  return value && API_KEY_PATTERN.test(value) ? value : undefined;
}
