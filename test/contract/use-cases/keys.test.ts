/** Keys, roles and tenants: the use cases over the real store, the clock in the test's hand. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authenticate } from '../../../core/account/authenticate.ts';
import { createKey, listKeys, revokeKey, rotateKey } from '../../../core/account/keys.ts';
import { createTenant, listTenants } from '../../../core/account/tenants.ts';
import { clock, digest, ids } from '../../../lambdas/shared/system.ts';
import { startStores } from '../../helpers/dynamo-stores.ts';
import { executionId, iso, keyId, sandboxId, tenantId } from '../../helpers/records.ts';

const START = Date.now();
const HOUR = 3_600_000;
const defaults = { liveSandboxes: 10, requestsPerSecond: 20 };

let stores: Awaited<ReturnType<typeof startStores>>;
beforeAll(async () => {
  stores = await startStores();
});
afterAll(() => stores.close());

function worldAt(startMs = START) {
  let nowMs = startMs;
  const deps = {
    accounts: stores.accounts,
    pauses: stores.pauses,
    idempotency: stores.idempotency,
    sockets: stores.sockets,
    clock: { ...clock, nowMs: () => nowMs },
    ids,
    digest,
    limits: defaults,
  };
  return {
    deps,
    pass: (ms: number) => {
      nowMs += ms;
    },
    /** The caller behind a secret, as the authorizer finds it. */
    callerBy: async (secret: string) =>
      (await authenticate(deps, digest.sha256(secret)))?.caller ?? undefined,
  };
}

async function tenant(role: 'admin' | 'operator' = 'admin') {
  const world = worldAt();
  const { key } = await createTenant(world.deps, { name: 'acme', role });
  return { ...world, key, keeper: { tenantId: key.tenantId, role } };
}

function secretOf(key: object): string {
  if ('apiKey' in key && typeof key.apiKey === 'string') return key.apiKey;
  throw new Error('the secret is not shown');
}

describe('a key', () => {
  test('lets its holder in with its role and the limits of its tenant', async () => {
    const world = worldAt();
    const made = await createTenant(world.deps, { name: 'acme', limits: { liveSandboxes: 3 } });
    expect(await world.callerBy(made.key.apiKey)).toEqual({
      tenantId: made.tenant.id,
      keyId: made.key.id,
      role: 'admin',
      limits: { liveSandboxes: 3, requestsPerSecond: 20 },
    });
    expect(await world.callerBy(ids.apiKey())).toBeUndefined();
  });

  test('works until it expires, and no longer', async () => {
    const { deps, keeper, callerBy, pass } = await tenant();
    const expiresAt = iso(START + HOUR);
    const key = await createKey(deps, { name: 'k', role: 'viewer', expiresAt }, keeper);
    pass(HOUR - 1);
    expect(await callerBy(secretOf(key))).toMatchObject({ role: 'viewer' });
    pass(1);
    expect(await callerBy(secretOf(key))).toBeUndefined();
    await expect(rotateKey(deps, { keyId: key.id }, keeper)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
    });
    const late = createKey(deps, { name: 'k', role: 'viewer', expiresAt }, keeper);
    await expect(late).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
  });

  test('whose expiry is written in another way expires at the same instant', async () => {
    const { deps, keeper, callerBy, pass } = await tenant();
    const second = Math.ceil((START + HOUR) / 1_000) * 1_000;
    const expiresAt = iso(second).replace('.000Z', 'Z');
    const key = await createKey(deps, { name: 'k', role: 'viewer', expiresAt }, keeper);
    pass(second - START);
    expect(await callerBy(secretOf(key))).toBeUndefined();
  });

  test('no longer works once it is revoked, and is revoked once', async () => {
    const { deps, keeper, callerBy, pass } = await tenant();
    const key = await createKey(deps, { name: 'k', role: 'developer' }, keeper);
    const { revokedAt } = await revokeKey(deps, { keyId: key.id }, keeper);
    expect(revokedAt).toBe(iso(START));
    expect(await callerBy(secretOf(key))).toBeUndefined();
    pass(HOUR);
    expect(await revokeKey(deps, { keyId: key.id }, keeper)).toMatchObject({ revokedAt });
    await expect(rotateKey(deps, { keyId: key.id }, keeper)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
    });
  });

  test('is made once for an idempotency key, and its secret is shown once', async () => {
    const { deps, keeper } = await tenant();
    const asked = { operation: 'createKey' as const, key: 'k', bodySha256: 'a'.repeat(64) };
    const wanted = { name: 'k', role: 'viewer' as const, asked };
    const keys = await Promise.all([1, 2, 3].map(() => createKey(deps, wanted, keeper)));
    expect(new Set(keys.map(({ id }) => id)).size).toBe(1);
    expect(keys.filter((key) => 'apiKey' in key)).toHaveLength(1);
    const other = { ...wanted, asked: { ...asked, bodySha256: 'b'.repeat(64) } };
    await expect(createKey(deps, other, keeper)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    });
  });
});

describe('a rotation', () => {
  test('gives the same key a new secret at once', async () => {
    const { deps, key, keeper, callerBy } = await tenant();
    const rotated = await rotateKey(deps, { keyId: key.id }, keeper);
    expect(rotated).toMatchObject({ id: key.id, rotatedAt: iso(START) });
    expect(rotated.previousSecretUntil).toBeUndefined();
    expect(await callerBy(key.apiKey)).toBeUndefined();
    expect(await callerBy(rotated.apiKey)).toMatchObject({ keyId: key.id, role: 'admin' });
  });

  test('leaves the old secret a grace, of which the last one counts', async () => {
    const { deps, key, keeper, callerBy, pass } = await tenant();
    const second = await rotateKey(deps, { keyId: key.id, graceMs: HOUR }, keeper);
    expect(second.previousSecretUntil).toBe(iso(START + HOUR));
    expect(await callerBy(key.apiKey)).toBeDefined();
    pass(HOUR / 2);
    const third = await rotateKey(deps, { keyId: key.id, graceMs: HOUR }, keeper);
    expect(await callerBy(key.apiKey)).toBeUndefined();
    expect(await callerBy(second.apiKey)).toBeDefined();
    pass(HOUR);
    expect(await callerBy(second.apiKey)).toBeUndefined();
    expect(await callerBy(third.apiKey)).toBeDefined();
  });

  test('by two at once leaves one secret for each, of which the later works', async () => {
    const { deps, key, keeper, callerBy } = await tenant();
    const both = await Promise.all([1, 2].map(() => rotateKey(deps, { keyId: key.id }, keeper)));
    const callers = await Promise.all(both.map(({ apiKey }) => callerBy(apiKey)));
    expect(callers.filter(Boolean)).toHaveLength(1);
    expect(await callerBy(key.apiKey)).toBeUndefined();
  });
});

describe('a revocation', () => {
  test('ends what the key has open, and leaves the tenant’s other connections', async () => {
    const { deps, key, keeper } = await tenant();
    const { id: keyId } = await createKey(deps, { name: 'k', role: 'viewer' }, keeper);
    const { tenantId } = key;
    const open = (id: string, keyOf: typeof keyId) =>
      stores.sockets.put({ id, tenantId, keyId: keyOf, role: 'viewer', connectedAt: iso(START) });
    await Promise.all([open(`a-${keyId}`, keyId), open(`b-${keyId}`, keyId)]);
    await open(`c-${keyId}`, key.id);
    const sandbox = sandboxId();
    const row = {
      sandboxId: sandbox,
      target: sandbox,
      tenantId,
      delivery: 0,
      version: 'v',
    } as const;
    for (const name of ['a', 'c']) {
      const place = { mode: 'push', after: 0, acked: 0, connectionId: `${name}-${keyId}` } as const;
      await stores.subscriptions.put({ ...row, ...place });
    }

    await revokeKey(deps, { keyId }, keeper);

    expect(await stores.sockets.countOf(tenantId)).toBe(1);
    const left = await stores.subscriptions.watching(sandbox, executionId());
    expect(left.map(({ connectionId }) => connectionId)).toEqual([`c-${keyId}`]);
  });
});

describe('a role', () => {
  test('is given, taken and renewed by nobody below it', async () => {
    const { deps, keeper } = await tenant('operator');
    const operator = await createKey(deps, { name: 'o', role: 'operator' }, keeper);
    const admin = { ...keeper, role: 'admin' as const };
    for (const act of [
      () => createKey(deps, { name: 'k', role: 'operator' }, admin),
      () => revokeKey(deps, { keyId: operator.id }, admin),
      () => rotateKey(deps, { keyId: operator.id }, admin),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    }
    expect(await createKey(deps, { name: 'k', role: 'admin' }, admin)).toMatchObject({
      role: 'admin',
    });
  });

  test('below operator has no business with another tenant', async () => {
    const [mine, other] = [await tenant(), await tenant()];
    const wanted = { tenantId: other.key.tenantId, keyId: other.key.id };
    for (const act of [
      () => listKeys(mine.deps, wanted, mine.keeper),
      () => createKey(mine.deps, { ...wanted, name: 'k', role: 'viewer' }, mine.keeper),
      () => revokeKey(mine.deps, wanted, mine.keeper),
      () => rotateKey(mine.deps, wanted, mine.keeper),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    }
    const inOwn = revokeKey(mine.deps, { keyId: other.key.id }, mine.keeper);
    await expect(inOwn).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('of an operator reaches every tenant, and none that does not exist', async () => {
    const [operator, other] = [await tenant('operator'), await tenant()];
    const { keeper, deps } = operator;
    const { items } = await listKeys(deps, { tenantId: other.key.tenantId }, keeper);
    expect(items.map(({ id }) => id)).toEqual([other.key.id]);
    const nobody = listKeys(deps, { tenantId: tenantId() }, keeper);
    await expect(nobody).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const tenants = await listTenants(deps, { limit: 2 });
    expect(tenants.items).toHaveLength(2);
    const { nextCursor } = tenants;
    const next = await listTenants(deps, {
      limit: 2,
      ...(nextCursor ? { cursor: nextCursor } : {}),
    });
    expect(next.items[0]?.id).not.toBe(tenants.items[0]?.id);
  });
});

describe('the last key that can make keys and does not expire', () => {
  test('stays, whatever else is there, until another one takes its place', async () => {
    const { deps, key, keeper } = await tenant();
    await createKey(deps, { name: 'k', role: 'developer' }, keeper);
    const expiresAt = iso(START + HOUR);
    await createKey(deps, { name: 'k', role: 'admin', expiresAt }, keeper);
    const refused = revokeKey(deps, { keyId: key.id }, keeper);
    await expect(refused).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    const second = await createKey(deps, { name: 'k', role: 'admin' }, keeper);
    await revokeKey(deps, { keyId: key.id }, keeper);
    await expect(revokeKey(deps, { keyId: second.id }, keeper)).rejects.toThrow(/last/);
    expect(await revokeKey(deps, { keyId: key.id }, keeper)).toMatchObject({ id: key.id });
  });

  test('of many that are revoked at once, one stays', async () => {
    const { deps, key, keeper } = await tenant();
    const more = [1, 2, 3].map(() => createKey(deps, { name: 'k', role: 'admin' }, keeper));
    const all = [key, ...(await Promise.all(more))];
    const ends = await Promise.allSettled(
      all.map(({ id }) => revokeKey(deps, { keyId: id }, keeper)),
    );
    expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    const { items } = await listKeys(deps, {}, keeper);
    expect(items.filter(({ revokedAt }) => !revokedAt)).toHaveLength(1);
  });

  test('is revoked by an operator', async () => {
    const { deps, key } = await tenant();
    const operator = { tenantId: tenantId(), role: 'operator' as const };
    const wanted = { tenantId: key.tenantId, keyId: key.id };
    expect(await revokeKey(deps, wanted, operator)).toMatchObject({ revokedAt: iso(START) });
  });
});

test('keys are listed newest first, in pages, without what they hash to', async () => {
  const { deps, key, keeper, pass } = await tenant();
  const made = [key.id];
  for (let n = 0; n < 4; n++) {
    pass(1);
    made.unshift((await createKey(deps, { name: `k${n}`, role: 'viewer' }, keeper)).id);
  }
  const first = await listKeys(deps, { limit: 3 }, keeper);
  const second = await listKeys(deps, { limit: 3, cursor: first.nextCursor ?? '' }, keeper);
  const items = [...first.items, ...second.items];
  expect(items.map(({ id }) => id)).toEqual(made);
  expect(second.nextCursor).toBeNull();
  expect(JSON.stringify(items)).not.toMatch(/[0-9a-f]{40}/);
  const missing = revokeKey(deps, { keyId: keyId() }, keeper);
  await expect(missing).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
