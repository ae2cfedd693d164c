/** What the `account` function is made of. */
import type * as z from 'zod/mini';
import { documentClient, stateStores } from '../shared/clients.ts';
import { clock, digest, ids } from '../shared/system.ts';
import type { AccountEnv } from './env.ts';

export function wire(env: z.infer<typeof AccountEnv>) {
  const { accounts, idempotency, tickets, usage } = stateStores(documentClient(), env.STATE_TABLE);
  const websocketUrl = env.WEBSOCKET_URL;
  return { accounts, idempotency, tickets, usage, websocketUrl, clock, ids, digest };
}

export type AccountDeps = ReturnType<typeof wire>;
