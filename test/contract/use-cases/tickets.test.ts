/** Tickets: one use, 60 s, as the key that asked for it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey, revokeKey } from '../../../core/account/keys.ts';
import { createTenant } from '../../../core/account/tenants.ts';
import { createTicket, redeemTicket } from '../../../core/account/tickets.ts';
import { clock, digest, ids } from '../../../lambdas/shared/system.ts';
import { startStores } from '../../helpers/dynamo-stores.ts';

let stores: Awaited<ReturnType<typeof startStores>>;
beforeAll(async () => {
  stores = await startStores();
});
afterAll(() => stores.close());

const limits = { liveSandboxes: 10, requestsPerSecond: 20 };

async function world() {
  let nowMs = Date.now();
  const { accounts, idempotency, tickets } = stores;
  const deps = {
    websocketUrl: 'wss://sockets.example/ws',
    accounts,
    idempotency,
    tickets,
    pauses: stores.pauses,
    sockets: stores.sockets,
    ids,
    digest,
    limits,
  };
  const timed = { ...deps, clock: { ...clock, nowMs: () => nowMs } };
  const { key } = await createTenant(timed, { name: 'acme' });
  const keeper = { tenantId: key.tenantId, role: 'admin' as const };
  const { id } = await createKey(timed, { name: 'k', role: 'viewer' }, keeper);
  const caller = { tenantId: key.tenantId, keyId: id, role: 'viewer' as const, limits };
  return {
    deps: timed,
    keeper,
    caller,
    redeem: (ticket: string) => redeemTicket(timed, digest.sha256(ticket)),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('a ticket stands for the key that asked for it, once, of many at the same time', async () => {
  const { deps, caller, redeem } = await world();
  const { ticket, url } = await createTicket(deps, caller);
  expect(url).toBe(deps.websocketUrl);
  const callers = await Promise.all([1, 2, 3, 4].map(() => redeem(ticket)));
  expect(callers.filter(Boolean)).toEqual([caller]);
  expect(await redeem(ticket)).toBeUndefined();
});

test('a ticket is good for 60 s', async () => {
  const { deps, caller, redeem, pass } = await world();
  const [early, late] = [await createTicket(deps, caller), await createTicket(deps, caller)];
  pass(59_999);
  expect(await redeem(early.ticket)).toEqual(caller);
  pass(1);
  expect(await redeem(late.ticket)).toBeUndefined();
});

test('a ticket of a key that was revoked since lets nobody in', async () => {
  const { deps, caller, keeper, redeem } = await world();
  const { ticket } = await createTicket(deps, caller);
  await revokeKey(deps, { keyId: caller.keyId }, keeper);
  expect(await redeem(ticket)).toBeUndefined();
});

test('the partition of a ticket is the one that the authorizer may delete from', async () => {
  const { deps, caller } = await world();
  const { ticket } = await createTicket(deps, caller);
  const { data } = await stores.state.entities.ticket
    .get({ ticket: digest.sha256(ticket) })
    .go({ data: 'raw' });
  expect(JSON.stringify(data)).toContain(`"$ci#ticket_${digest.sha256(ticket)}"`);
});
