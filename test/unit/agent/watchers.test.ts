/** Changes that wait for whoever asks. */
import { expect, it } from 'vitest';
import { WATCHER_METHODS } from '../../../containers/agent/e2b/watchers.ts';
import type { HelperAnswer, HelperRun } from '../../../containers/agent/files/helper-run.ts';
import type { Sandbox } from '../../../containers/agent/sandbox.ts';

function sandboxOf(changes: number, path: string): Sandbox {
  let left = changes;
  const later = async (): Promise<HelperAnswer> => {
    if (left === 0) return new Promise(() => undefined);
    left -= 1;
    return { kind: 'change', change: 'write', path };
  };
  const run = {
    answer: async () => ({ kind: 'ready' }),
    later,
    [Symbol.dispose]: () => undefined,
  } as unknown as HelperRun;
  const state = { refuseWhenDraining: () => undefined };
  return { files: { watch: () => run }, state } as unknown as Sandbox;
}

async function call(name: string, sandbox: Sandbox, input: object): Promise<object> {
  const method = WATCHER_METHODS[`/filesystem.Filesystem/${name}`];
  if (method?.kind !== 'unary') throw new Error(`there is no ${name}`);
  return method.call(sandbox, input);
}

async function eventsOf(sandbox: Sandbox) {
  const created = (await call('CreateWatcher', sandbox, { path: '/home/user' })) as {
    watcherId: string;
  };
  const take = async () =>
    (await call('GetWatcherEvents', sandbox, created)) as { events: { name: string }[] };
  await new Promise((resolve) => setTimeout(resolve, 200));
  return { first: (await take()).events, take };
}

it('are all told where they are few', async () => {
  const { first, take } = await eventsOf(sandboxOf(100, 'name'));
  expect(first).toHaveLength(100);
  expect(await take()).toEqual({ events: [] });
});

it('end with a word where they hold more than 4 MiB, though they are few', async () => {
  const path = 'x'.repeat(8_000);
  const { first, take } = await eventsOf(sandboxOf(2_000, path));
  expect(first.length).toBeGreaterThan(400);
  expect(first.length * path.length).toBeLessThan(4 * 1024 * 1024);
  await expect(take()).rejects.toMatchObject({ code: 'resource_exhausted' });
});
