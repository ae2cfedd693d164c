/**
 * One command that was started for a caller: its pipes, its events and its end. Owns the order in which
 * output and end are told. Must never hold up other processes, nor tell an end before what was written.
 */
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { AppError } from '../../../contract/errors.ts';
import type { Outcome } from '../../../contract/events.ts';
import type { ExecutionId } from '../../../contract/ids.ts';
import { LIMITS } from '../../../contract/limits.ts';
import type { Execution } from '../executions/execution.ts';
import { OutputCoalescer, type OutputStream } from '../output/coalescer.ts';
import { lastWords } from '../output/last-words.ts';
import { ProcessLog } from './process-log.ts';
import { signalGroup } from './user-process.ts';

/** Of a process that has ended: what it wrote was read by then. */
const SILENCE_MS = 100;

/** From the SIGINT of an interrupt to SIGKILL. */
const INTERRUPT_MS = 5_000;

/** What was asked for. */
export interface ProcessConfig {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** A name of the caller's, beside the pid. */
  readonly tag?: string | undefined;
  /** Whether anything can be written to it. */
  readonly stdin: boolean;
  /** With a terminal, whose output is all on stdout. */
  readonly pty?: PtySize | undefined;
  /** It is killed after this long. */
  readonly timeoutMs?: number | undefined;
}

export interface PtySize {
  readonly cols: number;
  readonly rows: number;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface OutputSource {
  readonly reader: Readable;
  onChunk: (bytes: Buffer) => void;
}

/** A process that has started, with what leads to it. */
export interface Started {
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  readonly resize?: (size: PtySize) => void;
  readonly stdin: Writable | null;
  readonly outputs: Partial<Record<OutputStream, OutputSource>>;
}

export interface ProcessEnd {
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
  readonly outcome: Outcome;
}

export class Process {
  readonly pid: number;
  readonly config: ProcessConfig;
  readonly startedAt = new Date().toISOString();
  readonly log: ProcessLog;
  /** Once its end stands in the log. */
  readonly ended: Promise<ProcessEnd>;
  readonly #started: Started;
  readonly #coalescer: OutputCoalescer;
  readonly #startedMs = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #execution: Execution | undefined;
  /** Who is behind: readers who are there, the disk. */
  readonly #behind = new Set<'readers' | 'disk'>();
  #ptySize: PtySize | undefined;
  #end: ProcessEnd | undefined;
  #exited = false;
  #stop: 'timeout' | 'killed' | 'interrupted' | undefined;
  #paused = false;
  #lastDataMs = 0;

  constructor(started: Started, config: ProcessConfig, execution?: Execution) {
    const { pid, exited, stdin } = started;
    this.pid = pid;
    this.config = config;
    this.#started = started;
    this.#execution = execution;
    this.#ptySize = config.pty;
    this.log = new ProcessLog({ onBacklog: (full) => this.#flow('readers', full) });
    if (execution) this.#tell(execution, stdin);
    this.log.append({ type: 'started', executionId: String(pid) }, 0);
    this.#coalescer = new OutputCoalescer((stream, { sizeBytes, ...form }) =>
      this.log.append({ type: stream, ...form }, sizeBytes),
    );
    for (const [stream, source] of this.#sources()) {
      // Copied by whoever keeps it: the next read overwrites this memory.
      source.onChunk = (bytes) => this.#output(stream, bytes);
      source.reader.on('error', () => undefined).resume();
    }
    // Its exit tells more.
    stdin?.on('error', () => undefined);
    const { timeoutMs } = config;
    if (timeoutMs !== undefined) this.#timer = setTimeout(() => this.#timeOut(), timeoutMs);
    this.ended = exited.then((exit) => this.#finish(exit));
  }

  get executionId(): ExecutionId | undefined {
    return this.#execution?.id;
  }

  get ptySize(): PtySize | undefined {
    return this.#ptySize;
  }

  /** Of the numbered parts of its stdin, where it takes such. */
  get nextStdinSeq(): number | undefined {
    return this.#execution?.stdin?.nextSeq;
  }

  /** Undefined while it runs. */
  get end(): ProcessEnd | undefined {
    return this.#end;
  }

  get timedOut(): boolean {
    return this.#stop === 'timeout';
  }

  write(bytes: Buffer): void {
    const { stdin } = this.#started;
    if (!this.#takesInput(stdin)) throw this.#refuse('has no stdin that is open');
    const waiting = stdin.writableLength + bytes.length;
    if (waiting > LIMITS.stdinWaitingBytes)
      throw new AppError(
        'RESOURCE_LIMIT_ERROR',
        `process ${this.pid} has not read its stdin: ${waiting} bytes would wait, ${LIMITS.stdinWaitingBytes} are allowed; send it again once it has read some`,
        {
          details: { field: 'stdin', sizeBytes: waiting, allowed: LIMITS.stdinWaitingBytes },
          retryAfterSeconds: 1,
        },
      );
    stdin.write(bytes);
  }

  /** Again, it changes nothing. */
  closeStdin(): void {
    this.#started.stdin?.end();
  }

  resize(size: PtySize): void {
    const { resize } = this.#started;
    if (!resize) throw this.#refuse('has no terminal');
    resize(size);
    this.#ptySize = size;
  }

  /** To its whole group. False where it has ended. */
  signal(name: NodeJS.Signals): boolean {
    if (this.#exited) return false;
    signalGroup(this.pid, name);
    return true;
  }

  /** SIGINT, and SIGKILL where that did not end it in time. False where it has ended. */
  interrupt(): boolean {
    this.#stop ??= 'interrupted';
    if (!this.signal('SIGINT')) return false;
    const late = setTimeout(() => this.signal('SIGKILL'), INTERRUPT_MS);
    void this.ended.finally(() => clearTimeout(late));
    return true;
  }

  kill(): boolean {
    this.#stop ??= 'killed';
    return this.signal('SIGKILL');
  }

  /** What is written with numbers waits in the execution's own stdin until the process takes it. */
  #tell(execution: Execution, stdin: Writable | null): void {
    execution.onBacklog = (full) => this.#flow('disk', full);
    execution.begin();
    execution.started();
    execution.stdin?.connect((text, close) => {
      if (!this.#takesInput(stdin)) return true;
      const takesMore = stdin.write(text);
      if (close) stdin.end();
      return takesMore;
    });
    stdin?.on('drain', () => execution.stdin?.pump());
  }

  #timeOut(): void {
    if (this.#exited) return;
    this.#stop ??= 'timeout';
    this.#execution?.limit('timeout', this.config.timeoutMs ?? 0);
    this.#coalescer.flush();
    this.log.append({ type: 'limit', limit: 'timeout', value: this.config.timeoutMs ?? 0 }, 0);
    this.signal('SIGKILL');
  }

  #output(stream: OutputStream, bytes: Buffer): void {
    this.#lastDataMs = performance.now();
    // What children write after the end of their parent is read and dropped: they shall not wait for ever.
    if (this.#end) return;
    this.#execution?.output(stream, bytes);
    this.#coalescer.push(stream, bytes);
  }

  async #finish({ code, signal }: ProcessExit): Promise<ProcessEnd> {
    this.#exited = true;
    clearTimeout(this.#timer);
    this.#started.stdin?.destroy();
    await lastWords({
      streams: this.#sources().map(([, { reader }]) => reader),
      lastDataMs: () => this.#lastDataMs,
      isPaused: () => this.#paused,
      isGivenUp: () => this.#stop !== undefined,
      silenceMs: SILENCE_MS,
    });
    this.#coalescer.end();
    const end: ProcessEnd = {
      exitCode: signal === null ? (code ?? 0) : 128 + constants.signals[signal],
      ...(signal === null ? {} : { signal }),
      outcome: this.#outcome(code, signal),
    };
    this.#end = end;
    const wallMs = Math.round((performance.now() - this.#startedMs) * 100) / 100;
    const { outcome, exitCode } = end;
    const by = signal === null ? {} : { signal };
    this.log.append({ type: 'finished', outcome, exitCode, ...by, metrics: { wallMs } }, 0);
    this.log.end();
    this.#execution?.finish({ ...end, metrics: { wallMs } });
    return end;
  }

  #outcome(code: number | null, signal: NodeJS.Signals | null): Outcome {
    if (this.#stop === 'timeout') return 'timeout';
    if (signal !== null) return this.#stop === 'interrupted' ? 'interrupted' : 'killed';
    return code === 0 ? 'ok' : 'error';
  }

  #flow(who: 'readers' | 'disk', full: boolean): void {
    if (full) this.#behind.add(who);
    else this.#behind.delete(who);
    const paused = this.#behind.size > 0;
    if (paused === this.#paused) return;
    this.#paused = paused;
    for (const [, { reader }] of this.#sources()) reader[paused ? 'pause' : 'resume']();
  }

  #sources(): [OutputStream, OutputSource][] {
    return Object.entries(this.#started.outputs) as [OutputStream, OutputSource][];
  }

  #takesInput(stdin: Writable | null): stdin is Writable {
    return stdin !== null && stdin.writable && !this.#exited;
  }

  #refuse(why: string): AppError {
    return new AppError('INVALID_SANDBOX_STATE', `process ${this.pid} ${why}`, {
      details: { pid: this.pid },
    });
  }
}
