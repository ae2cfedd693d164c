/** Lives through the whole stack: launch, change, expiry, ends in every state, and nothing left. */
import { describe, expect, test } from 'vitest';
import { api, control, createSandbox, untilStatus } from '../helpers/api.ts';

const SIZE = { cpu: 0.5, memoryMb: 1024 };

describe('a life', () => {
  test('of a size that no pool has is answered 202, launched, and has the limits of its size', async () => {
    const created = await api('/sandboxes', {
      body: { runtime: 'python', resources: { cpu: 0.4, memoryMb: 1000 } },
    });
    expect(created).toMatchObject({ status: 202, json: { data: { status: 'creating' } } });
    const { id, estimatedReadyAt, createdAt, resources } = created.json.data;
    expect(resources).toMatchObject(SIZE);
    expect(Date.parse(estimatedReadyAt)).toBeGreaterThan(Date.parse(createdAt));
    const early = await api(`/sandboxes/${id}/execute`, { body: { code: '1' } });
    if (early.status !== 200) expect(early.json.error.code).toBe('INVALID_SANDBOX_STATE');
    const running = await untilStatus(id, 'running');
    // Its life counts from when it had a task.
    expect(Date.parse(running.expiresAt) - Date.parse(running.createdAt)).toBeGreaterThan(300_000);
    const memory = await api(`/sandboxes/${id}/execute`, {
      body: { code: 'bytearray(1200 * 1024 * 1024)' },
    });
    expect(memory.json.data.outcome).not.toBe('ok');
    await api(`/sandboxes/${id}`, { method: 'DELETE' });
    await untilStatus(id, 'stopped');
  });

  test('can be terminated while it is created', async () => {
    const created = await api('/sandboxes', { body: { runtime: 'python', resources: SIZE } });
    const { id } = created.json.data;
    const ended = await api(`/sandboxes/${id}`, { method: 'DELETE' });
    expect(ended).toMatchObject({ status: 202, json: { data: { endReason: 'terminated' } } });
    expect(await untilStatus(id, 'stopped')).toMatchObject({ endReason: 'terminated' });
  });

  test('can be extended, renamed and shortened; what it cannot be is said', async () => {
    await using sandbox = await createSandbox({ lifetimeMs: 60_000, metadata: { a: '1' } });
    const patch = (body: unknown) => api(`/sandboxes/${sandbox.id}`, { method: 'PATCH', body });
    const longer = await patch({ lifetimeMs: 3_600_000, name: 'kept' });
    expect(longer).toMatchObject({
      status: 200,
      json: { data: { name: 'kept', metadata: { a: '1' } } },
    });
    expect(Date.parse(longer.json.data.expiresAt) - Date.now()).toBeGreaterThan(3_500_000);
    expect((await sandbox.run('1 + 1')).outcome).toBe('ok');
    const shorter = await patch({ lifetimeMs: 30_000, metadata: {} });
    expect(Date.parse(shorter.json.data.expiresAt) - Date.now()).toBeLessThan(31_000);
    expect(shorter.json.data.metadata).toEqual({});
    expect(await patch({})).toMatchObject({ status: 400 });
    expect(await patch({ lifetimeMs: 1 })).toMatchObject({ status: 400 });
    expect(await patch({ status: 'running' })).toMatchObject({ status: 400 });
  });

  test('that expires is refused at once, and ends by itself', async () => {
    const sandbox = await createSandbox({ lifetimeMs: 10_000 });
    const { expiresAt } = (await api(`/sandboxes/${sandbox.id}`)).json.data;
    await new Promise((resolve) => setTimeout(resolve, Date.parse(expiresAt) - Date.now()));
    const late = await api(`/sandboxes/${sandbox.id}/execute`, { body: { code: '1' } });
    expect(late).toMatchObject({ status: 410, json: { error: { code: 'SANDBOX_GONE' } } });
    expect(await untilStatus(sandbox.id, 'stopped')).toMatchObject({ endReason: 'expired' });
    const gone = await api(`/sandboxes/${sandbox.id}`, { method: 'PATCH', body: { name: 'x' } });
    expect(gone).toMatchObject({ status: 410, json: { error: { code: 'SANDBOX_GONE' } } });
  });

  test('enters at most six states, however it began and ended', async () => {
    const launched = await createSandbox({ resources: SIZE, lifetimeMs: 10_000 });
    const claimed = await createSandbox();
    await api(`/sandboxes/${claimed.id}`, { method: 'DELETE' });
    await untilStatus(claimed.id, 'stopped');
    await untilStatus(launched.id, 'stopped');
    // The last step answers after the record says so.
    const [long, short] = await Promise.all([launched.id, claimed.id].map(untilSucceeded));
    expect(long.transitions).toBeLessThanOrEqual(6);
    expect(short.transitions).toBeLessThanOrEqual(4);
  });
});

async function untilSucceeded(name: string) {
  while (true) {
    const { executions } = await control('/executions');
    const life = executions.find((each: { name: string }) => each.name === name);
    if (life.status === 'SUCCEEDED') return life;
    if (life.status !== 'RUNNING') throw new Error(`the life of ${name} is ${life.status}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
