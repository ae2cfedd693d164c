import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Execution } from '../../../containers/agent/executions/execution.ts';
import { SpoolStore } from '../../../containers/agent/executions/spool-store.ts';
import type { ResultFrame } from '../../../containers/agent/kernels/frames.ts';
import type { ExecutionId } from '../../../contract/ids.ts';

const emptyResult = (displayId: string): ResultFrame => ({
  type: 'result',
  main: false,
  displayId,
  data: {},
  barrier: 'b',
  k: 1,
});

describe('what user code makes of small frames', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'execution-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function begin(options: { outputBytes: number; graceBytes: number; roomBytes: number }) {
    const { roomBytes, ...limits } = options;
    const store = await SpoolStore.open(folder, roomBytes);
    const id = 'exec_test' as ExecutionId;
    const execution = new Execution({ id, store, ...limits, onSpoolFailure: () => undefined });
    execution.begin();
    execution.started();
    return { execution, [Symbol.asyncDispose]: () => store.remove(execution.spool) };
  }
  /** Without the few lines that always pass. */
  const FIXED_BYTES = 1_000;

  it('takes no more of the spool than the cap and the grace: an empty result is not free', async () => {
    const limits = { outputBytes: 10_000, graceBytes: 5_000, roomBytes: 10_000_000 };
    await using run = await begin(limits);
    for (const displayId of ['d'.repeat(128), '€'.repeat(128), '\0'.repeat(128)])
      for (let at = 0; at < 200; at += 1) run.execution.result(emptyResult(displayId));
    expect(run.execution.spool.sizeBytes).toBeLessThan(15_000 + FIXED_BYTES);
    expect(run.execution.spool.sizeBytes).toBeGreaterThan(10_000);
  });

  it('takes no more of the spool than that where the frames are errors', async () => {
    const limits = { outputBytes: 10_000, graceBytes: 5_000, roomBytes: 10_000_000 };
    await using run = await begin(limits);
    for (let at = 0; at < 1_000; at += 1)
      run.execution.error({ name: '', value: '', traceback: '' });
    expect(run.execution.spool.sizeBytes).toBeLessThan(15_000 + FIXED_BYTES);
  });

  it('is dropped where the spool has no room, and the end is still told', async () => {
    const limits = { outputBytes: 1_000_000, graceBytes: 1_000_000, roomBytes: 5_000 };
    await using run = await begin(limits);
    const { execution } = run;
    for (let at = 0; at < 100; at += 1) {
      execution.result(emptyResult('d'.repeat(128)));
      execution.error({ name: 'E', value: 'x'.repeat(100), traceback: '' });
    }
    execution.finish({ outcome: 'ok', exitCode: 0, metrics: { wallMs: 1 } });
    expect(execution.spool.sizeBytes).toBeLessThan(5_000 + FIXED_BYTES);
    const lines = execution.spool.layout.memory.map((line) => JSON.parse(line.toString('utf8')));
    expect(lines.filter(({ type }) => type === 'limit')).toHaveLength(1);
    expect(lines.slice(-2).map(({ type }) => type)).toEqual(['truncated', 'finished']);
  });
});
