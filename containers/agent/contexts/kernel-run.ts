/**
 * One execution on one kernel, from its request to its end: time limit, interrupt, the ladder of
 * signals, and what a dead kernel means. Owns the timers. Every path must end in one `finished`.
 *
 *   time limit  → limit event, SIGINT, after 1 s SIGKILL → timeout
 *   CPU, memory, processes                 the same      → timeout, out_of_memory, killed
 *   interrupt   → SIGINT, after 5 s SIGKILL              → interrupted
 *   drain       → SIGKILL                                → killed
 *   kernel died by itself: exit → error · SIGKILL or abort for memory → out_of_memory · SIGKILL or SIGTERM → killed
 *   · any other signal → error
 * A SIGINT is sent once more before the SIGKILL: one that comes just before code begins to wait in the
 * system (`input()`, `time.sleep`) is heard by the interpreter only when that wait is over.
 * Whenever the kernel is gone an error `KernelLost` says that the variables are gone with it, but
 * for a drain, after which nothing runs.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import type { StartExecutionRequest } from '../../../contract/agent/protocol.ts';
import type { Outcome } from '../../../contract/events.ts';
import type { Execution } from '../executions/execution.ts';
import { BARRIER_CHARS } from '../kernels/barrier.ts';
import type { DoneFrame, RunFrame } from '../kernels/frames.ts';
import type { Kernel, KernelExit, RunTarget } from '../kernels/kernel.ts';
import type { OutputStream } from '../output/coalescer.ts';
import { oomKills } from '../processes/memory.ts';
import { type MeasuredLimit, RunMeter } from './run-meter.ts';

export interface RunLimits {
  /** From SIGINT to SIGKILL at the time limit. */
  readonly timeoutGraceMs: number;
  /** From SIGINT to SIGKILL at an interrupt. */
  readonly interruptGraceMs: number;
  readonly dataBytes: number;
  readonly maxProcesses: number;
  readonly fileBytes: number;
}

const FRESH = 'its variables are gone and the next run starts with a fresh one';
const LOST_NOTES = {
  memory: `the interpreter has no memory left; ${FRESH}\n`,
  exited: `the interpreter has exited; ${FRESH}\n`,
} as const;

export type StopReason = 'timeout' | 'interrupted' | 'killed' | MeasuredLimit;

const OUTCOMES = {
  timeout: 'timeout',
  interrupted: 'interrupted',
  killed: 'killed',
  // Time is what has run out.
  cpu: 'timeout',
  memory: 'out_of_memory',
  processes: 'killed',
} as const satisfies Record<StopReason, Outcome>;

export interface KernelRunOptions {
  readonly kernel: Kernel;
  readonly execution: Execution;
  readonly request: StartExecutionRequest;
  /** The sandbox's environment, beneath that of the request. */
  readonly baseEnv: Record<string, string>;
  /** Where the kernel works from its first run on; relative to the workspace. */
  readonly baseCwd?: string;
  readonly limits: RunLimits;
}

/** Of the time until SIGKILL: what the code does at the first interrupt has this much of it to itself. */
const AGAIN = 0.75;

export class KernelRun implements RunTarget {
  /** Once `finished` stands in the log; or the kernel died before it came to the code. */
  readonly ended: Promise<'finished' | 'not started'>;
  /** The kernel must not be used again. */
  kernelLost = false;
  readonly #resolve: (end: 'finished' | 'not started') => void;
  readonly #kernel: Kernel;
  readonly #execution: Execution;
  readonly #limits: RunLimits;
  readonly #timeoutMs: number;
  readonly #startedAt = performance.now();
  readonly #oomKills = oomKills();
  readonly #meter: RunMeter;
  readonly #fileBytes: number;
  #io: DoneFrame['io'];
  #stop: StopReason | undefined;
  #started = false;
  /** Before that, an interrupt is of what ran before, and the driver drops it. */
  #heeds = false;
  /** User code can say it too, of its own run only. */
  #saidMemory = false;
  #killTimer: NodeJS.Timeout | undefined;
  #againTimer: NodeJS.Timeout | undefined;
  readonly #timeoutTimer: NodeJS.Timeout;

  constructor(options: KernelRunOptions) {
    const { kernel, execution, request, baseEnv, baseCwd, limits } = options;
    this.#kernel = kernel;
    this.#execution = execution;
    this.#limits = limits;
    this.#timeoutMs = request.timeoutMs;
    const { promise, resolve } = Promise.withResolvers<'finished' | 'not started'>();
    this.ended = promise;
    this.#resolve = resolve;
    const asked = request.limits ?? {};
    this.#fileBytes = asked.fileBytes ?? limits.fileBytes;
    this.#meter = new RunMeter({
      pid: kernel.pid,
      tree: kernel.tree,
      preloadedBytes: kernel.preloadedBytes ?? 0,
      limits: asked,
      onLimit: (limit, value) => this.#exceed(limit, value),
    });
    execution.onBacklog = (full) => (full ? kernel.pause() : kernel.resume());
    this.#timeoutTimer = setTimeout(() => this.stop('timeout'), request.timeoutMs);
    const { code, env = {}, cwd, stdin } = request;
    const live = execution.stdin !== undefined;
    const barrier = randomBytes(BARRIER_CHARS / 2).toString('hex');
    const optional = {
      ...(baseCwd === undefined ? {} : { baseCwd }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(asked.fileBytes === undefined ? {} : { fileBytes: asked.fileBytes }),
      ...(live ? { keepStdinOpen: true as const } : stdin === undefined ? {} : { stdin }),
    };
    kernel.run({ barrier, code, baseEnv, env, ...optional }, this);
  }

  output(stream: OutputStream, bytes: Buffer): void {
    const { memoryMark } = this.#kernel;
    if (stream === 'stderr' && memoryMark !== undefined)
      this.#saidMemory = bytes.includes(memoryMark) || this.#saidMemory;
    this.#whenStarted().output(stream, bytes);
  }

  frame(frame: RunFrame): void {
    if (frame.type === 'start') this.#begin(frame.executionCount);
    else if (frame.type === 'result') this.#whenStarted().result(frame);
    else if (frame.type === 'error') this.#whenStarted().error(frame);
    else this.#finishAlive(frame);
  }

  #begin(executionCount: number | undefined): void {
    this.#heeds = true;
    const { stdin } = this.#whenStarted(executionCount);
    stdin?.connect((text, close) => this.#kernel.input(text, close));
    if (this.#stop !== undefined) this.#kernel.interrupt();
  }

  drained(): void {
    this.#execution.stdin?.pump();
  }

  lost(exit: KernelExit): void {
    // It says `start` before it runs anything: this code can run elsewhere.
    if (!this.#started && this.#stop === undefined) {
      this.#release();
      this.#resolve('not started');
      return;
    }
    const outOfMemory = this.#stop === undefined && this.#killedForMemory(exit);
    if (outOfMemory) this.#limitEvent('memory');
    if (this.#stop !== 'killed')
      this.#whenStarted().error({
        name: 'KernelLost',
        value: `${howItEnded(exit)}; ${FRESH}`,
        traceback: '',
      });
    const own = outOfMemory ? 'out_of_memory' : outcomeOfDeath(exit);
    this.#finish(
      this.#stop ? OUTCOMES[this.#stop] : own,
      exitCodeOf(exit),
      exit.signal ?? undefined,
    );
  }

  /** The first reason stands, but for a drain, which waits for nothing. */
  stop(reason: StopReason): void {
    if (this.#execution.status === 'finished') return;
    if (this.#stop !== undefined && reason !== 'killed') return;
    this.#stop = reason;
    clearTimeout(this.#timeoutTimer);
    if (reason === 'killed') return this.#kill();
    if (reason === 'timeout') this.#whenStarted().limit('timeout', this.#timeoutMs);
    const { timeoutGraceMs, interruptGraceMs } = this.#limits;
    const graceMs = reason === 'interrupted' ? interruptGraceMs : timeoutGraceMs;
    this.#killTimer = setTimeout(() => this.#kill(), graceMs);
    this.#againTimer = setTimeout(() => this.#interrupt(), graceMs * AGAIN);
    this.#interrupt();
  }

  #interrupt(): void {
    if (this.#heeds) this.#kernel.interrupt();
  }

  #exceed(limit: MeasuredLimit, value: number): void {
    if (this.#stop !== undefined || this.#execution.status === 'finished') return;
    this.#whenStarted().limit(limit, value);
    this.stop(limit);
  }

  #kill(): void {
    this.#meter.take();
    this.#kernel.kill();
  }

  /** `started` is first, also when the driver never came to say so. */
  #whenStarted(executionCount?: number): Execution {
    if (!this.#started) {
      this.#started = true;
      this.#execution.started(executionCount);
    }
    return this.#execution;
  }

  #finishAlive(frame: DoneFrame): void {
    this.#meter.take();
    this.#io = frame.io;
    if (frame.lost !== undefined) {
      this.#whenStarted().output('stderr', Buffer.from(LOST_NOTES[frame.lost]));
      this.#kernel.kill();
      this.kernelLost = true;
    }
    if (frame.reason !== undefined) this.#limitEvent(frame.reason);
    const own = frame.ok ? 'ok' : frame.reason === 'memory' ? 'out_of_memory' : 'error';
    this.#finish(this.#stop ? OUTCOMES[this.#stop] : own, frame.exitCode, undefined);
  }

  #finish(outcome: Outcome, exitCode: number | null, signal: string | undefined): void {
    this.#release();
    const wallMs = Math.round((performance.now() - this.#startedAt) * 100) / 100;
    this.#whenStarted().finish({
      outcome,
      exitCode,
      ...(signal === undefined ? {} : { signal }),
      metrics: { wallMs, ...this.#meter.metrics, ...this.#io },
    });
    this.#resolve('finished');
  }

  #release(): void {
    clearTimeout(this.#timeoutTimer);
    clearTimeout(this.#killTimer);
    clearTimeout(this.#againTimer);
    this.#meter.stop();
    this.#execution.onBacklog = () => undefined;
    this.#kernel.resume();
  }

  #limitEvent(reason: NonNullable<DoneFrame['reason']>): void {
    const { dataBytes, maxProcesses } = this.#limits;
    const value = { memory: dataBytes, processes: maxProcesses, file_size: this.#fileBytes }[
      reason
    ];
    this.#whenStarted().limit(reason, value);
  }

  #killedForMemory(exit: KernelExit): boolean {
    if (exit.signal === 'SIGABRT' || exit.signal === 'SIGTRAP') return this.#saidMemory;
    const now = oomKills();
    if (exit.signal !== 'SIGKILL' || now === undefined || this.#oomKills === undefined)
      return false;
    return now > this.#oomKills;
  }
}

function outcomeOfDeath({ signal }: KernelExit): Outcome {
  return signal === 'SIGKILL' || signal === 'SIGTERM' ? 'killed' : 'error';
}

function exitCodeOf({ code, signal }: KernelExit): number | null {
  return signal === null ? code : 128 + constants.signals[signal];
}

function howItEnded({ code, signal }: KernelExit): string {
  return signal === null
    ? `the interpreter exited with code ${code}`
    : `the interpreter was ended by ${signal}`;
}
