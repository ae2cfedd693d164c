import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Context, type ContextOptions } from '../../../containers/agent/contexts/context.ts';
import { Preloader } from '../../../containers/agent/contexts/preloader.ts';
import type { Execution, ExecutionEnd } from '../../../containers/agent/executions/execution.ts';
import type { Kernel, RunRequest, RunTarget } from '../../../containers/agent/kernels/kernel.ts';
import { Log } from '../../../containers/agent/log.ts';
import { ProcessTree } from '../../../containers/agent/processes/process-tree.ts';
import type { StartExecutionRequest } from '../../../contract/agent/protocol.ts';
import type { AppError } from '../../../contract/errors.ts';
import { ContextId } from '../../../contract/ids.ts';

function contextWith(startKernel: ContextOptions['startKernel']) {
  return new Context({
    facts: {
      id: ContextId.parse(`cx${'0'.repeat(20)}`),
      language: 'python',
      isDefault: true,
      createdAt: new Date(0).toISOString(),
    },
    startKernel,
    preloader: new Preloader({
      loads: () => Promise.resolve(false),
      start: () => Promise.reject(new Error('it has none')),
      roomBytes: () => Promise.resolve(0),
      isIdle: () => true,
      idleMs: () => undefined,
      quietMs: 0,
      log: new Log(() => undefined),
    }),
    baseEnv: () => ({}),
    runLimits: {
      timeoutGraceMs: 1,
      interruptGraceMs: 1,
      dataBytes: 1,
      maxProcesses: 1,
      fileBytes: 1,
    },
    maxQueued: 1,
    log: new Log(() => undefined),
  });
}

/** Only what a context asks of a kernel that nobody uses. */
function idleKernel(livesMs: number): Kernel {
  const exited = new Promise((resolve) => {
    setTimeout(() => resolve({ code: null, signal: 'SIGKILL' }), livesMs);
  });
  return { alive: true, dismissed: false, exited, kill: () => undefined } as unknown as Kernel;
}

describe('an interpreter that dies before anyone uses it', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function contextOf(livesMs: number) {
    const seen = { starts: 0, kills: 0 };
    const context = contextWith(({ earlyDeaths }) => {
      seen.starts += 1;
      if (earlyDeaths !== 'none') seen.kills += 1;
      return Promise.resolve(idleKernel(livesMs));
    });
    return { context, seen };
  }

  it('is replaced at once the first time, with nothing else killed', async () => {
    const { context, seen } = contextOf(100);
    await context.warm();
    await vi.advanceTimersByTimeAsync(150);
    expect(seen).toEqual({ starts: 2, kills: 0 });
  });

  it('again and again has what user code left behind killed, and is replaced ever more slowly', async () => {
    const { context, seen } = contextOf(10);
    await context.warm();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(seen.kills).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(119_000);
    expect(seen.starts).toBeLessThan(15);
    const before = seen.starts;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen.starts).toBeGreaterThan(before);
  });

  it('after a long time is no sign of an attack', async () => {
    const { context, seen } = contextOf(60_000);
    await context.warm();
    await vi.advanceTimersByTimeAsync(10 * 60_000 + 1);
    expect(seen).toEqual({ starts: 11, kills: 0 });
  });
});

describe('a question to an interpreter', () => {
  const kernelThat = (complete: () => Promise<object>): Kernel => {
    const exited = new Promise<never>(() => undefined);
    return { alive: true, dismissed: false, exited, complete } as unknown as Kernel;
  };

  it('that could not be started is asked of a new one the next time', async () => {
    const found = { matches: [], start: 0, end: 0 };
    let starts = 0;
    const context = contextWith(async () => {
      starts += 1;
      if (starts === 1) throw new Error('no memory');
      return kernelThat(() => Promise.resolve(found));
    });
    await expect(context.complete({ code: 'x' })).rejects.toMatchObject({
      code: 'AGENT_UNREACHABLE',
      retryAfterSeconds: 1,
    });
    expect(context.describe().status).toBe('dead');
    expect(await context.complete({ code: 'x' })).toEqual(found);
    expect(starts).toBe(2);
  });

  it('is answered in time, and is not asked any more, where the interpreter is late', async () => {
    vi.useFakeTimers();
    let asked = 0;
    const started = Promise.withResolvers<Kernel>();
    const context = contextWith(() => started.promise);
    const answers = [1, 2].map(() =>
      context.complete({ code: 'x' }).catch((error: AppError) => error.code),
    );
    const answered = Promise.all(answers);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await answered).toEqual(['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED']);
    const complete = () => {
      asked += 1;
      return Promise.resolve({ matches: [], start: 0, end: 0 });
    };
    started.resolve(kernelThat(complete));
    await vi.advanceTimersByTimeAsync(1_000);
    vi.useRealTimers();
    expect(asked).toBe(0);
    await context.complete({ code: 'x' });
    expect(asked).toBe(1);
  });
});

describe('an execution whose interpreter does not start', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function executionSeen() {
    const seen: { status: string; end?: ExecutionEnd; errors: string[] } = {
      status: 'queued',
      errors: [],
    };
    const execution = {
      get status() {
        return seen.status;
      },
      begin: () => undefined,
      started: () => ({ stdin: undefined }),
      error: ({ name }: { name: string }) => seen.errors.push(name),
      finish: (end: ExecutionEnd) => Object.assign(seen, { status: 'finished', end }),
    };
    return { seen, execution: execution as unknown as Execution };
  }

  function kernelThatRuns(): Kernel {
    const kernel = {
      alive: true,
      dismissed: false,
      exited: new Promise<never>(() => undefined),
      pid: process.pid,
      tree: new ProcessTree(process.pid),
      pause: () => undefined,
      resume: () => undefined,
      run: (_: RunRequest, target: RunTarget) => {
        target.frame({ type: 'start', executionCount: 1, barrier: '', k: 0 });
        target.frame({ type: 'done', ok: true, exitCode: 0, barrier: '', k: 1 });
      },
    };
    return kernel as unknown as Kernel;
  }

  const request = { code: '', language: 'python', timeoutMs: 1_000 } as StartExecutionRequest;

  /** The first so many starts fail. */
  function submitted(failures: number) {
    let starts = 0;
    const context = contextWith(async () => {
      starts += 1;
      if (starts <= failures) throw new Error('no processes left');
      return kernelThatRuns();
    });
    const { seen, execution } = executionSeen();
    context.submit(execution, request);
    return { context, starts: () => starts, seen, execution };
  }

  it('runs on the one that does, once what kept them from living has ended', async () => {
    const { starts, seen } = submitted(3);
    await vi.advanceTimersByTimeAsync(1_000);
    expect([starts(), seen.end?.outcome, seen.errors]).toEqual([4, 'ok', []]);
  });

  it('ends with an error that says so, after a bounded number of attempts', async () => {
    const { context, starts, seen } = submitted(Number.POSITIVE_INFINITY);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([starts(), seen.end?.outcome, seen.errors]).toEqual([5, 'error', ['KernelNotStarted']]);
    expect(context.idle).toBe(true);
  });

  it('is not tried again once it was interrupted', async () => {
    const { context, starts, seen, execution } = submitted(Number.POSITIVE_INFINITY);
    await vi.advanceTimersByTimeAsync(50);
    context.interrupt(execution);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([starts(), seen.end?.outcome]).toEqual([2, 'interrupted']);
  });
});
