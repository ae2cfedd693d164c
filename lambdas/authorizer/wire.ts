/** What the `authorizer` function is made of. */
import type * as z from 'zod/mini';
import { documentClient, stateStores } from '../shared/clients.ts';
import { clock, digest } from '../shared/system.ts';
import type { AuthorizerEnv } from './env.ts';

export function wire(env: z.infer<typeof AuthorizerEnv>) {
  const { accounts, pauses, tickets } = stateStores(documentClient(), env.STATE_TABLE);
  const limits = {
    liveSandboxes: env.MAX_LIVE_SANDBOXES,
    requestsPerSecond: env.REQUESTS_PER_SECOND,
  };
  return { accounts, pauses, tickets, clock, digest, limits };
}
