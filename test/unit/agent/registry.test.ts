/** What runs that is no code, beside what is. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Context } from '../../../containers/agent/contexts/context.ts';
import type { Contexts } from '../../../containers/agent/contexts/contexts.ts';
import type { Execution } from '../../../containers/agent/executions/execution.ts';
import { ExecutionRegistry } from '../../../containers/agent/executions/registry.ts';
import { SpoolStore } from '../../../containers/agent/executions/spool-store.ts';
import type { StartExecutionRequest } from '../../../contract/agent/protocol.ts';
import { ExecutionId } from '../../../contract/ids.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'registry-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const idOf = (n: number) => ExecutionId.parse(`ex${String(n).padStart(20, '0')}`);
const OUTPUT_BYTES = 100_000;

async function registryOf(roomBytes = 1_000_000) {
  const context = { idle: true, submit: () => undefined, interrupt: () => true };
  return new ExecutionRegistry({
    store: await SpoolStore.open(folder, roomBytes),
    contexts: { for: () => context as unknown as Context } as unknown as Contexts,
    maxRunning: 4,
    outputBytes: OUTPUT_BYTES,
    graceBytes: 1_000,
    refuseNew: () => undefined,
    onSpoolFailure: () => undefined,
  });
}

function opening(n: number, begin: (execution: Execution) => Promise<string>) {
  const opened = new WeakMap<Execution, Promise<string>>();
  const request = { executionId: idOf(n) };
  return { request, takesStdin: false, opened, begin, interrupt: () => true };
}

/** As much as it is allowed to say. */
function shout(execution: Execution): number {
  execution.begin();
  execution.started();
  for (let n = 0; n < 20; n += 1) execution.output('stdout', Buffer.alloc(10_000, 'x'));
  execution.finish({ outcome: 'ok', exitCode: 0, metrics: { wallMs: 1 } });
  return execution.spool.sizeBytes;
}

it('keeps the room of one whole run, however much processes that go on say', async () => {
  const registry = await registryOf(2.5 * OUTPUT_BYTES);
  const servers: Execution[] = [];
  for (let n = 0; n < 4; n += 1) {
    await registry.openOnce(
      opening(n, async (execution) => {
        servers.push(execution);
        execution.begin();
        execution.started();
        for (let at = 0; at < 20; at += 1) execution.output('stdout', Buffer.alloc(10_000, 'x'));
        return 'begun';
      }),
    );
  }
  expect(servers.reduce((sum, { spool }) => sum + spool.sizeBytes, 0)).toBeGreaterThan(
    OUTPUT_BYTES,
  );
  const request: StartExecutionRequest = {
    executionId: idOf(9),
    code: 'x',
    language: 'python',
    timeoutMs: 1_000,
  };
  const cell = registry.start(request);
  expect(shout(cell)).toBeGreaterThan(OUTPUT_BYTES);
});

it('begins once for a request that comes twice, and again for one that did not begin', async () => {
  const registry = await registryOf();
  const begin = vi.fn(async () => 'begun');
  const twice = opening(1, begin);
  expect(await Promise.all([registry.openOnce(twice), registry.openOnce(twice)])).toEqual([
    'begun',
    'begun',
  ]);
  expect(begin).toHaveBeenCalledTimes(1);
  const failing = opening(2, () => Promise.reject(new Error('no such program')));
  await expect(registry.openOnce(failing)).rejects.toThrow('no such program');
  expect(await registry.openOnce(opening(2, begin))).toBe('begun');
});
