/** A watch that ends otherwise than it was asked to. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Contexts } from '../../../containers/agent/contexts/contexts.ts';
import { ExecutionRegistry } from '../../../containers/agent/executions/registry.ts';
import { SpoolStore } from '../../../containers/agent/executions/spool-store.ts';
import type { FileSystem } from '../../../containers/agent/files/file-system.ts';
import { Watches } from '../../../containers/agent/files/watches.ts';
import { Log } from '../../../containers/agent/log.ts';
import { ExecutionId } from '../../../contract/ids.ts';

const executionId = ExecutionId.parse(`ex${'0'.repeat(20)}`);

async function watching(folder: string, more: { unreadMs?: number } = {}) {
  const executions = new ExecutionRegistry({
    store: await SpoolStore.open(folder, 100_000),
    contexts: {} as Contexts,
    maxRunning: 1,
    outputBytes: 1_000,
    graceBytes: 1_000,
    refuseNew: () => undefined,
    onSpoolFailure: () => undefined,
  });
  const ended = Promise.withResolvers<never>();
  const run = {
    answer: async () => ({ kind: 'ready' }),
    later: () => ended.promise,
    [Symbol.dispose]: () => ended.reject(new Error('the helper has gone')),
  };
  const log = new Log(() => undefined);
  const files = { watch: () => run } as unknown as FileSystem;
  const watches = new Watches({ executions, files, log, ...more });
  await watches.start({ executionId, path: '/home/user' });
  const end = () => expect.poll(() => executions.get(executionId).status).toBe('finished');
  return { executions, ended, log, end };
}

it('is told in the log where it broke, and not where it was interrupted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'watches-'));
  const broken = await watching(folder);
  broken.ended.reject(new Error('no such thing'));
  await broken.end();
  expect(broken.log.lines).toMatchObject([{ level: 'error', error: 'Error: no such thing' }]);
  const interrupted = await watching(folder);
  expect(interrupted.executions.interrupt(executionId)).toBe(true);
  await interrupted.end();
  expect(interrupted.log.lines).toEqual([]);
  await rm(folder, { recursive: true });
});

it('ends where nobody reads it, and lives on where somebody does', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'watches-'));
  const read = await watching(join(folder, 'read'), { unreadMs: 20 });
  const letGo = read.executions.attach(executionId, 1, () => undefined);
  const unread = await watching(join(folder, 'unread'), { unreadMs: 20 });
  await unread.end();
  expect(read.executions.get(executionId).status).toBe('running');
  letGo();
  await read.end();
  await rm(folder, { recursive: true });
});
