/** What a life costs in requests to the tables: each is money and a round trip of its caller. */
import { expect, test } from 'vitest';
import { createSandbox } from '../../../core/sandbox/create-sandbox.ts';
import { holdSandbox, renewSandbox } from '../../../core/sandbox/lifecycle-steps.ts';
import { terminateSandbox } from '../../../core/sandbox/read-sandboxes.ts';
import { updateSandbox } from '../../../core/sandbox/update-sandbox.ts';
import { startStores } from '../../helpers/dynamo-stores.ts';
import { caller, end, fill, lifeWorld } from '../../helpers/life-world.ts';

test('a life is begun in four requests at most, held in one, asked to end in two and ended in four', async () => {
  await using stores = await startStores();
  const world = lifeWorld(stores);
  const { deps } = world;
  const requestsOf = async (work: () => Promise<unknown>) => {
    stores.counts.clear();
    await work();
    return Object.fromEntries(stores.counts);
  };
  await fill(world, 1);
  const [hit, miss] = [
    { runtime: 'python' },
    { runtime: 'python', resources: { cpu: 2 } },
  ] as const;
  const { Query, ...writes } = await requestsOf(() => createSandbox(deps, { body: hit }, caller));
  expect(writes).toEqual({ TransactWriteItems: 1, UpdateItem: 1 });
  // The free tasks from a random place on; those before it where there was none.
  expect([1, 2]).toContain(Query);
  const [item] = (await stores.sandboxes.list(caller.tenantId, { limit: 1 })).items;
  const id = item!.id;
  const step = { sandboxId: id, token: 't', prepare: false, renewals: 0 };
  expect(await requestsOf(() => holdSandbox(deps, step))).toEqual({ UpdateItem: 1 });
  const body = { lifetimeMs: 90_000 };
  expect(await requestsOf(() => updateSandbox(deps, { id, body }, caller))).toEqual({
    GetItem: 1,
    UpdateItem: 1,
  });
  // It has not expired: a condition that fails is read.
  expect(await requestsOf(() => renewSandbox(deps, step))).toEqual({ UpdateItem: 1, GetItem: 1 });
  expect(await requestsOf(() => terminateSandbox(deps, id, caller))).toEqual({
    GetItem: 1,
    UpdateItem: 1,
  });
  expect(await requestsOf(() => end(world, id))).toEqual({
    UpdateItem: 1,
    GetItem: 1,
    TransactWriteItems: 1,
    DeleteItem: 1,
  });
  const missed = await requestsOf(() => createSandbox(deps, { body: miss }, caller));
  expect(missed).toMatchObject({ TransactWriteItems: 1 });
});
