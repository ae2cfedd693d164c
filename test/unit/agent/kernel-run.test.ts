import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KernelRun } from '../../../containers/agent/contexts/kernel-run.ts';
import type { Execution } from '../../../containers/agent/executions/execution.ts';
import type { Kernel } from '../../../containers/agent/kernels/kernel.ts';
import { ProcessTree } from '../../../containers/agent/processes/process-tree.ts';
import type { StartExecutionRequest } from '../../../contract/agent/protocol.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** One that has come to its first line, with the signals that its kernel got, by when in ms. */
function runThatStarted() {
  const signals: [name: string, atMs: number][] = [];
  const start = performance.now();
  const note = (name: string) => () => void signals.push([name, performance.now() - start]);
  const kernel = {
    pid: process.pid,
    tree: new ProcessTree(process.pid),
    run: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    interrupt: note('SIGINT'),
    kill: note('SIGKILL'),
  } as unknown as Kernel;
  const execution = {
    status: 'running',
    started: () => execution,
    finish: () => undefined,
    limit: () => undefined,
  } as unknown as Execution;
  const run = new KernelRun({
    kernel,
    execution,
    request: { code: '', language: 'python', timeoutMs: 60_000 } as StartExecutionRequest,
    baseEnv: {},
    limits: {
      timeoutGraceMs: 1_000,
      interruptGraceMs: 5_000,
      dataBytes: 1,
      maxProcesses: 1,
      fileBytes: 1,
    },
  });
  run.frame({ type: 'start', executionCount: 1, barrier: '', k: 0 });
  return { run, signals };
}

it.each([
  ['interrupted', 3_750, 5_000],
  ['timeout', 750, 1_000],
] as const)(
  'code that misses its interrupt (%s) hears it once more before it is killed',
  async (reason, againMs, killMs) => {
    const { run, signals } = runThatStarted();
    run.stop(reason);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(signals).toEqual([
      ['SIGINT', 0],
      ['SIGINT', againMs],
      ['SIGKILL', killMs],
    ]);
  },
);

it('code that an interrupt has ended gets no other', async () => {
  const { run, signals } = runThatStarted();
  run.stop('interrupted');
  run.frame({ type: 'done', ok: false, exitCode: 1, barrier: '', k: 1 });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(signals).toEqual([['SIGINT', 0]]);
});
