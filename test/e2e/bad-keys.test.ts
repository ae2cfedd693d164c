/** Who may not, may not: keys that are missing, wrong, revoked, too low, or of another tenant. */
import { describe, expect, test, vi } from 'vitest';
import { api, createSandbox, target } from '../helpers/api.ts';
import { account, expectRefusal } from '../helpers/refusals.ts';
import { connectSocket } from '../helpers/socket.ts';

/** A key is remembered for 10 s. */
const REVOKED_WITHIN_MS = 10_000;

test.each([
  ['no key', null],
  ['an empty key', ''],
  ['a key that nobody has', `ci_${'0'.repeat(40)}`],
  ['a key of another shape', 'secret'],
  ['a very long key', 'ci_'.padEnd(4_000, '0')],
  ['a key in upper case', target.apiKey.toUpperCase()],
  ['a key and something more', `${target.apiKey}0`],
])('%s is refused', async (_, apiKey) => {
  for (const call of [{}, { body: { runtime: 'python' } }])
    expectRefusal(await api('/sandboxes', { apiKey, ...call }), 'UNAUTHENTICATED');
});

test('a key is taken from its header alone', async () => {
  const key = target.apiKey;
  for (const [path, headers] of [
    [`/sandboxes?apiKey=${key}`, {}],
    ['/sandboxes', { Authorization: `Bearer ${key}` }],
    ['/sandboxes', { Cookie: `X-API-Key=${key}` }],
  ] as const) {
    const answer = await api(path, { apiKey: null, headers });
    expectRefusal(answer, 'UNAUTHENTICATED');
    expect(JSON.stringify(answer.json)).not.toContain(key);
  }
});

test('what needs no key answers without one, and with a wrong one', async () => {
  for (const path of ['/health', '/openapi.json'])
    for (const apiKey of [null, 'wrong']) expect((await api(path, { apiKey })).status).toBe(200);
});

describe.skipIf(!target.control)('an operator makes', () => {
  test('a key that is refused within 10 s of its revocation, on an open connection too', async () => {
    const { tenantId, keyId, apiKey } = await account({ action: 'createTenant', name: 'revoked' });
    expect((await api('/sandboxes', { apiKey })).status).toBe(200);
    using socket = await connectSocket({ apiKey });
    await socket.ask('system.ping', {}, 'system.pong');
    await account({ action: 'revokeKey', tenantId, keyId });
    const refused = await vi.waitFor(
      async () => {
        const answer = await api('/sandboxes', { apiKey });
        expect(answer.status).toBe(401);
        return answer;
      },
      { timeout: REVOKED_WITHIN_MS + 1_000, interval: 200 },
    );
    expectRefusal(refused, 'UNAUTHENTICATED');
    const { error } = await vi.waitFor(() => socket.ask('system.ping', {}, 'error'), {
      timeout: REVOKED_WITHIN_MS + 1_000,
      interval: 200,
    });
    expect(error).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
  });

  test('a key that is refused at once where nobody remembers it', async () => {
    const { tenantId, keyId, apiKey } = await account({ action: 'createTenant', name: 'unused' });
    await account({ action: 'revokeKey', tenantId, keyId });
    expectRefusal(await api('/sandboxes', { apiKey }), 'UNAUTHENTICATED');
  });

  test('a viewer, who sees and changes nothing', async () => {
    const { tenantId, apiKey: owner } = await account({ action: 'createTenant', name: 'viewed' });
    const { apiKey } = await account({
      action: 'createKey',
      tenantId,
      role: 'viewer',
      name: 'viewer',
    });
    for (const [path, call] of [
      ['/sandboxes', { body: { runtime: 'python' } }],
      [`/sandboxes/sb${'0'.repeat(20)}`, { method: 'DELETE' }],
      [`/sandboxes/sb${'0'.repeat(20)}/execute`, { body: { code: '1' } }],
      [`/executions/ex${'0'.repeat(20)}`, { method: 'DELETE' }],
    ] as const) {
      const answer = await api(path, { apiKey, ...call });
      expectRefusal(answer, 'PERMISSION_DENIED');
      expect(answer.json.error.details).toEqual({ role: 'viewer', needs: 'developer' });
    }
    for (const key of [apiKey, owner])
      expect((await api('/sandboxes', { apiKey: key })).json.data.items).toEqual([]);
  });

  test('another tenant, for whom nothing of the first one exists', async () => {
    await using sandbox = await createSandbox();
    const { id } = await sandbox.run('secret = 1');
    const { apiKey } = await account({ action: 'createTenant', name: 'other' });
    for (const [path, call] of [
      [`/sandboxes/${sandbox.id}`, {}],
      [`/sandboxes/${sandbox.id}`, { method: 'DELETE' }],
      [`/sandboxes/${sandbox.id}/executions`, {}],
      [`/sandboxes/${sandbox.id}/execute`, { body: { code: 'secret' } }],
    ] as const)
      expectRefusal(await api(path, { apiKey, ...call }), 'SANDBOX_NOT_FOUND', sandbox.id);
    for (const [path, call] of [
      [`/executions/${id}`, {}],
      [`/executions/${id}`, { method: 'DELETE' }],
      [`/executions/${id}/events`, {}],
      [`/executions/${id}/events`, { headers: { Accept: 'text/event-stream' } }],
    ] as const)
      expectRefusal(await api(path, { apiKey, ...call }), 'EXECUTION_NOT_FOUND', id);
    expect((await api('/sandboxes', { apiKey })).json.data.items).toEqual([]);
    const { nextCursor } = (await api('/sandboxes?limit=1')).json.data;
    expect(nextCursor).toEqual(expect.any(String));
    const stolen = await api(`/sandboxes?cursor=${nextCursor}`, { apiKey });
    expectRefusal(stolen, 'VALIDATION_ERROR', 'cursor');
    expect((await api(`/sandboxes/${sandbox.id}`)).json.data.status).toBe('running');
    expect((await sandbox.run('secret')).outcome).toBe('ok');
  });
});
