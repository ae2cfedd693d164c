/** What the `account` function is made of. */
import type * as z from 'zod/mini';
import { documentClient, socketStores, stateStores } from '../shared/clients.ts';
import { clock, digest, ids } from '../shared/system.ts';
import type { AccountEnv } from './env.ts';

export function wire(env: z.infer<typeof AccountEnv>) {
  const documents = documentClient();
  const { accounts, idempotency, tickets, usage } = stateStores(documents, env.STATE_TABLE);
  const { sockets } = socketStores(documents, env.STATE_TABLE);
  const websocketUrl = env.WEBSOCKET_URL;
  return { accounts, idempotency, tickets, usage, sockets, websocketUrl, clock, ids, digest };
}

export type AccountDeps = ReturnType<typeof wire>;
