/** `npm run stop-all` against the local mode. Afterwards the stack is as it was: others use it. */
import { expect, test } from 'vitest';
import { api, control, target } from '../helpers/api.ts';
import { account, expectRefusal } from '../helpers/refusals.ts';
import { endpointsOf, tool } from '../helpers/tools.ts';

const pool = async (event: Record<string, unknown>) => {
  const path = '/functions/code-interpreter-pool/invoke';
  return (await control(path, { method: 'POST', body: event })).payload;
};

/** A key that no authorizer has looked up yet. */
const newKey = async (): Promise<string> =>
  (await account({ action: 'createTenant', name: 'stop-all' })).apiKey;

const create = (apiKey: string) =>
  api('/sandboxes', { apiKey, body: { runtime: 'python', lifetimeMs: 60_000 } });

const isFull = async () => {
  const { pools } = await pool({ task: 'level' });
  return pools.every(
    ({ free, target: wanted }: Record<string, number>) => Number(free) >= Number(wanted),
  );
};

test('ends every sandbox, refuses new ones, and takes them again when it is resumed', async () => {
  await using file = await endpointsOf(target);
  const stopAll = (...args: string[]) =>
    tool('stop-all', [...args, '--local', '--endpoints', file.path]);
  const owner = await newKey();
  const { id } = (await create(owner)).json.data;

  const asked = await stopAll();
  expect(asked).toMatchObject({ code: 1, stderr: expect.stringMatching(/\d+ sandboxes .*--yes/) });
  expect((await pool({ task: 'standing' })).pausedAt).toBeUndefined();

  try {
    const stopped = await stopAll('--yes');
    expect(stopped.code, stopped.stderr).toBe(0);
    expect(stopped.stderr).toMatch(/left: 0 sandboxes, 0 tasks\n.* nothing runs.*--resume\n$/);
    expect((await api(`/sandboxes/${id}`, { apiKey: owner })).json.data).toMatchObject({
      status: 'stopped',
      endReason: 'terminated',
    });
    const late = await newKey();
    const refused = await create(late);
    expectRefusal(refused, 'CAPACITY_UNAVAILABLE');
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(refused.json.error.message).toContain('paused');
    // A minute's run while it is paused fills nothing.
    await pool({ task: 'minute' });
    expect(await pool({ task: 'standing' })).toMatchObject({ sandboxes: 0, tasks: 0 });

    const resumed = await stopAll('--resume');
    expect(resumed).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('takes new sandboxes'),
    });
    const created = await create(late);
    expect([201, 202]).toContain(created.status);
    await api(`/sandboxes/${created.json.data.id}`, { method: 'DELETE', apiKey: late });
  } finally {
    await pool({ task: 'resume' });
    await expect.poll(isFull, { timeout: 20_000, interval: 100 }).toBe(true);
  }
});
