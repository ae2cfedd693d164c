/** Keys and tenants over REST: made, shown once, listed, rotated, revoked, by whom and by whom not. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Answer, api } from '../helpers/api.ts';
import { account, expectRefusal } from '../helpers/refusals.ts';

const tenant = (over: Record<string, unknown> = {}) =>
  account({ action: 'createTenant', name: 'keys', ...over });

const statusWith = async (apiKey: string) => (await api('/runtimes', { apiKey })).status;

test('an admin makes a key, whose secret is shown once and works', async () => {
  const { apiKey: admin } = await tenant();
  const body = { name: 'ci', role: 'viewer' };
  const headers = { 'Idempotency-Key': randomUUID() };
  const made = await api('/keys', { apiKey: admin, body, headers });
  expect(made.status).toBe(201);
  const { apiKey, ...key } = made.json.data;
  expect(await statusWith(apiKey)).toBe(200);
  const again = await api('/keys', { apiKey: admin, body, headers });
  expect(again.status).toBe(200);
  expect(again.json.data).toEqual(key);
  const other = await api('/keys', { apiKey: admin, body: { ...body, name: 'x' }, headers });
  expectRefusal(other, 'IDEMPOTENCY_CONFLICT', headers['Idempotency-Key']);
  let list: Answer | undefined;
  // It may be half a second behind.
  const names = async () => {
    list = await api('/keys', { apiKey: admin });
    return list.json.data.items.map(({ name }: { name: string }) => name);
  };
  await expect.poll(names).toEqual(['ci', 'first key']);
  expect(JSON.stringify(list?.json)).not.toContain(apiKey);
});

test('a rotated key has a new secret at once, and the old one for the grace alone', async () => {
  const { apiKey: admin } = await tenant();
  const { id, apiKey: first } = (
    await api('/keys', { apiKey: admin, body: { name: 'k', role: 'viewer' } })
  ).json.data;
  const rotate = (body?: unknown) =>
    api(`/keys/${id}/rotate`, {
      method: 'POST',
      apiKey: admin,
      ...(body === undefined ? {} : { body }),
    });
  const second = (await rotate({ graceMs: 60_000 })).json.data;
  expect(second).toMatchObject({ id, previousSecretUntil: expect.any(String) });
  expect(await statusWith(first)).toBe(200);
  expect(await statusWith(second.apiKey)).toBe(200);
  const { apiKey: third } = (await rotate()).json.data;
  const { apiKey: fourth } = (await rotate()).json.data;
  expect(await statusWith(third)).toBe(401);
  expect(await statusWith(fourth)).toBe(200);
});

test('an expired key is refused like one that nobody has', async () => {
  const { apiKey: admin } = await tenant();
  const expiresAt = new Date(Date.now() + 400).toISOString();
  const body = { name: 'short', role: 'viewer', expiresAt };
  const made = await api('/keys', { apiKey: admin, body });
  expect(made.json.data).toMatchObject({ expiresAt });
  const { apiKey } = made.json.data;
  await expect.poll(() => statusWith(apiKey), { timeout: 5_000, interval: 100 }).toBe(401);
  expectRefusal(await api('/runtimes', { apiKey }), 'UNAUTHENTICATED');
});

test('roles: who may not keep keys or tenants, and what nobody may give', async () => {
  const { apiKey: admin, keyId } = await tenant();
  const { apiKey: developer } = (
    await api('/keys', { apiKey: admin, body: { name: 'd', role: 'developer' } })
  ).json.data;
  for (const [path, call] of [
    ['/keys', {}],
    ['/keys', { body: { name: 'x', role: 'viewer' } }],
    [`/keys/${keyId}`, { method: 'DELETE' }],
    [`/keys/${keyId}/rotate`, { method: 'POST' }],
  ] as const) {
    expectRefusal(await api(path, { apiKey: developer, ...call }), 'PERMISSION_DENIED');
  }
  const above = await api('/keys', { apiKey: admin, body: { name: 'x', role: 'operator' } });
  expectRefusal(above, 'PERMISSION_DENIED');
  for (const call of [{}, { body: { name: 'x' } }]) {
    expectRefusal(await api('/tenants', { apiKey: admin, ...call }), 'PERMISSION_DENIED');
  }
  const last = await api(`/keys/${keyId}`, { apiKey: admin, method: 'DELETE' });
  expectRefusal(last, 'PERMISSION_DENIED', keyId);
});

test('an operator makes tenants, each with its first key, and keeps the keys of all', async () => {
  const { apiKey: operator } = await tenant({ role: 'operator' });
  const made = await api('/tenants', {
    apiKey: operator,
    body: { name: 'made', limits: { liveSandboxes: 1 } },
  });
  expect(made.status).toBe(201);
  const { tenant: its, key } = made.json.data;
  expect(its).toMatchObject({ name: 'made', limits: { liveSandboxes: 1 } });
  expect(await statusWith(key.apiKey)).toBe(200);
  const list = await api('/tenants?limit=1', { apiKey: operator });
  expect(list.json.data.items).toHaveLength(1);
  const revoked = await api(`/keys/${key.id}?tenantId=${its.id}`, {
    apiKey: operator,
    method: 'DELETE',
  });
  expect(revoked.json.data).toMatchObject({ id: key.id, revokedAt: expect.any(String) });
});

test('a ticket is no key: REST takes none', async () => {
  const made = await api('/tickets', { method: 'POST' });
  expect(made.status).toBe(201);
  const { ticket, expiresAt } = made.json.data;
  const leftMs = Date.parse(expiresAt) - Date.now();
  expect(leftMs).toBeGreaterThan(50_000);
  expect(leftMs).toBeLessThanOrEqual(60_000);
  for (const [path, apiKey] of [
    [`/runtimes?ticket=${ticket}`, null],
    ['/runtimes', ticket],
  ] as const) {
    expectRefusal(await api(path, { apiKey }), 'UNAUTHENTICATED');
  }
});

test.each([
  ['no name', {}, 'name'],
  ['an unknown role', { name: 'x', role: 'root' }, 'role'],
  [
    'an expiry that has passed',
    { name: 'x', role: 'viewer', expiresAt: '2020-01-01T00:00:00Z' },
    'expiresAt',
  ],
  [
    'an expiry that is no instant',
    { name: 'x', role: 'viewer', expiresAt: 'tomorrow' },
    'expiresAt',
  ],
  ['an unknown field', { name: 'x', role: 'viewer', secret: 'mine' }, 'secret'],
])('a key with %s is refused', async (_, body, field) => {
  expectRefusal(await api('/keys', { body }), 'VALIDATION_ERROR', field);
});

test('a rotation of an unknown key, or with a grace of more than a day, is refused', async () => {
  const path = `/keys/ky${'0'.repeat(20)}/rotate`;
  expectRefusal(await api(path, { body: { graceMs: 86_400_001 } }), 'VALIDATION_ERROR', 'graceMs');
  expectRefusal(await api(path, { method: 'POST' }), 'NOT_FOUND');
});

test('usage tells how many executions of a key have ended today', async () => {
  const { apiKey, keyId } = await tenant();
  const made = await api('/sandboxes', { apiKey, body: { runtime: 'python' } });
  const { id } = made.json.data;
  for (const code of ['1', '1/0'])
    await api(`/sandboxes/${id}/execute`, { apiKey, body: { code } });
  await api(`/sandboxes/${id}`, { apiKey, method: 'DELETE' });
  const { items } = (await api('/usage', { apiKey })).json.data;
  expect(items).toMatchObject([{ keyId, days: [{ executions: 2 }] }]);
  expectRefusal(await api('/usage?from=yesterday', { apiKey }), 'VALIDATION_ERROR', 'from');
});
