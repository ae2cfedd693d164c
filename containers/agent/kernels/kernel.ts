/**
 * The child process that holds an interpreter's state, for as long as it lives: one run at a time.
 * Owns what is asked of it and heard from it. Must never trust what comes from it: user code can write anything
 * to any of its descriptors, and can end it at any moment.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { CompleteRequest, Completion } from '../../../contract/agent/completion.ts';
import type { Log } from '../log.ts';
import { OUTPUT_STREAMS, type OutputStream } from '../output/coalescer.ts';
import { ProcessTree } from '../processes/process-tree.ts';
import { type Command, signalGroup, signalProcess } from '../processes/user-process.ts';
import { BARRIER_CHARS } from './barrier.ts';
import { Demux, type DemuxTarget } from './demux.ts';
import { LineReader, parseCompletion, parseReady, parseRunFrame } from './frames.ts';
import { Lanes } from './lanes.ts';
import { type OutputPipe, openOutputPipes } from './pipes.ts';

const START_TIMEOUT_MS = 30_000;
/** After so many with the run's barrier that are not its driver's, none of the run is looked at. */
const FALSE_FRAMES = 1_000;
/** Kept from a kernel that does not start. */
const START_OUTPUT_BYTES = 4_096;

export interface KernelOptions {
  readonly command: Command;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Root's own; the names of the pipes stand here for an instant. */
  readonly pipeDirectory: string;
  /** What it says on stderr when it ends itself for want of memory. */
  readonly memoryMark?: string;
  /** Ends it before it is ready. */
  readonly signal?: AbortSignal;
  readonly log: Log;
}

export interface KernelExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunRequest {
  readonly barrier: string;
  readonly code: string;
  /** For the life of the kernel. */
  readonly baseEnv: Readonly<Record<string, string>>;
  /** As `baseEnv`: where its first run begins. */
  readonly baseCwd?: string;
  /** For this run. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** The largest file that it may write. */
  readonly fileBytes?: number;
  /** More of it comes by {@link Kernel.input}. */
  readonly keepStdinOpen?: true;
}

/** Who hears a run: its output and frames in order, or that the kernel died before its `done`. */
export interface RunTarget extends DemuxTarget {
  lost(exit: KernelExit): void;
  /** It takes more input. */
  drained(): void;
}

interface Question {
  readonly barrier: string;
  readonly answer: (completion: Completion) => void;
}

export class Kernel {
  readonly pid: number;
  /** Once the process has ended and all that it wrote was handed on. */
  readonly exited: Promise<KernelExit>;
  readonly memoryMark: string | undefined;
  /** With all that its code has started. */
  readonly tree: ProcessTree;
  dismissed = false;
  /** What libraries that were loaded before their time hold: no limit of a run is meant for it. */
  preloadedBytes: number | undefined;
  readonly #requests: Writable;
  readonly #lanes: Lanes;
  readonly #lines = new LineReader();
  readonly #log: Log;
  #demux: Demux | undefined;
  #target: RunTarget | undefined;
  #barrier = '';
  #droppedBytes = 0;
  #refusedFrames = 0;
  /** Of this run. */
  #falseFrames = 0;
  #onReadyLine: ((line: Buffer) => void) | undefined;
  #question: Question | undefined;
  #startOutput = '';
  #alive = true;

  /** Resolves when the driver waits for its first request. */
  static async start(options: KernelOptions): Promise<Kernel> {
    const [stdout, stderr] = await openOutputPipes(options.pipeDirectory);
    try {
      const [program, ...args] = options.command;
      const child = spawn(program, args, {
        cwd: options.cwd,
        env: options.env,
        // A group of its own, so that an interrupt reaches what the code has started.
        detached: true,
        stdio: ['pipe', stdout.writerFd, stderr.writerFd, 'pipe'],
      });
      await once(child, 'spawn');
      const kernel = new Kernel(child, { stdout, stderr }, options);
      await kernel.#ready(options.signal);
      // Such as the shell of a driver.
      kernel.tree.scan();
      return kernel;
    } catch (error) {
      stdout.reader.destroy();
      stderr.reader.destroy();
      throw error;
    } finally {
      closeSync(stdout.writerFd);
      closeSync(stderr.writerFd);
    }
  }

  private constructor(
    child: ChildProcess,
    outputs: Record<OutputStream, OutputPipe>,
    { log, memoryMark }: KernelOptions,
  ) {
    const { pid, stdin } = child;
    const frames = child.stdio[3];
    if (pid === undefined || !stdin || !frames || !('read' in frames))
      throw new Error('a kernel was spawned without its channels');
    this.pid = pid;
    this.tree = new ProcessTree(pid);
    this.#log = log;
    this.memoryMark = memoryMark;
    this.#requests = stdin;
    this.#lanes = new Lanes({
      streams: { stdout: outputs.stdout.reader, stderr: outputs.stderr.reader, frames },
      order: () => this.#demux,
      log,
    });
    // The write side fails when the process is gone; its exit tells more.
    stdin.on('error', () => undefined);
    stdin.on('drain', () => this.#target?.drained());
    for (const stream of OUTPUT_STREAMS)
      outputs[stream].onChunk = (chunk) => this.#pushOutput(stream, chunk);
    frames.on('data', (chunk: Buffer) => this.#pushFrames(chunk));
    const exit = new Promise<KernelExit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.exited = exit.then(async (facts) => {
      this.#alive = false;
      // The leader is gone and the state with it: nothing of its group lives on.
      signalGroup(pid, 'SIGKILL');
      await this.#lanes.lastWords();
      this.#demux?.end();
      const target = this.#target;
      this.#close();
      target?.lost(facts);
      return facts;
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Starts a run. What it writes reaches `target` in the order in which it was written. */
  run(request: RunRequest, target: RunTarget): void {
    if (this.#demux) throw new Error('the kernel is busy');
    this.#target = target;
    this.#barrier = request.barrier;
    this.#falseFrames = 0;
    this.#demux = new Demux(request.barrier, {
      output: (stream, bytes) => target.output(stream, bytes),
      frame: (frame) => {
        if (frame.type === 'done') this.#endRun();
        target.frame(frame);
      },
    });
    this.#requests.write(`${JSON.stringify(request)}\n`);
  }

  /** Only between two runs; the next one waits for it. Undefined where the kernel has ended. */
  async complete({ code, cursor }: Required<CompleteRequest>): Promise<Completion | undefined> {
    if (this.#demux || this.#question) throw new Error('the kernel is busy');
    const barrier = randomBytes(BARRIER_CHARS / 2).toString('hex');
    const { promise, resolve } = Promise.withResolvers<Completion>();
    this.#question = { barrier, answer: resolve };
    this.#requests.write(`${JSON.stringify({ op: 'complete', barrier, code, cursor })}\n`);
    try {
      return await Promise.race([promise, this.exited.then(() => undefined)]);
    } finally {
      this.#question = undefined;
    }
  }

  /** More stdin of the present run. False where the code does not read: `drained` tells when to go on. */
  input(text: string, close: boolean): boolean {
    const frame = { op: 'stdin', barrier: this.#barrier, text, close };
    return this.#requests.write(`${JSON.stringify(frame)}\n`);
  }

  interrupt(): void {
    signalGroup(this.pid, 'SIGINT');
  }

  /** The interpreter, and nothing that its code has started. */
  interruptAlone(): void {
    if (this.#alive) signalProcess(this.pid, 'SIGINT');
  }

  kill(): void {
    signalGroup(this.pid, 'SIGKILL');
  }

  /** As `kill`, where its death is no sign that something kills interpreters. */
  dismiss(): void {
    this.dismissed = true;
    this.kill();
  }

  /** Stops reading, so that the code waits in its own writes. */
  pause(): void {
    this.#lanes.pause();
  }

  resume(): void {
    this.#lanes.resume();
  }

  async #ready(signal?: AbortSignal): Promise<void> {
    const stop = () => this.dismiss();
    signal?.addEventListener('abort', stop);
    if (signal?.aborted === true) stop();
    let timer: NodeJS.Timeout | undefined;
    const line = new Promise<Buffer>((resolve) => {
      this.#onReadyLine = resolve;
    });
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in 30 s')), START_TIMEOUT_MS);
    });
    const ended = this.exited.then(({ code, signal }) => {
      const why = this.#startOutput.trim() || 'it printed nothing';
      throw new Error(`the interpreter ended at its start (${signal ?? code}): ${why}`);
    });
    try {
      const ready = parseReady(await Promise.race([line, late, ended]));
      if (!ready) throw new Error('the first line on fd 3 is not a driver’s');
    } catch (error) {
      this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      this.#onReadyLine = undefined;
    }
  }

  #pushOutput(stream: OutputStream, chunk: Buffer): void {
    if (this.#onReadyLine && this.#startOutput.length < START_OUTPUT_BYTES)
      this.#startOutput += chunk.toString('utf8');
    if (this.#demux) this.#demux.pushOutput(stream, chunk);
    else this.#droppedBytes += chunk.length;
    this.#lanes.heard();
  }

  #pushFrames(chunk: Buffer): void {
    for (const line of this.#lines.push(chunk)) {
      if (this.#onReadyLine) this.#onReadyLine(line);
      else if (!this.#acceptAnswer(line) && !this.#acceptFrame(line)) this.#refuseFrame(line);
    }
    this.#lanes.heard();
  }

  #acceptAnswer(line: Buffer): boolean {
    if (!this.#question) return false;
    const completion = parseCompletion(line, this.#question.barrier);
    if (!completion) return false;
    this.#question.answer(completion);
    return true;
  }

  #acceptFrame(line: Buffer): boolean {
    if (!this.#demux || this.#falseFrames >= FALSE_FRAMES) return false;
    const frame = parseRunFrame(line, this.#barrier);
    if (frame && this.#demux.pushFrame(frame, line.length)) return true;
    if (line.includes(this.#barrier)) this.#falseFrames += 1;
    return false;
  }

  #refuseFrame(line: Buffer): void {
    this.#refusedFrames += 1;
    if (Math.log10(this.#refusedFrames) % 1 === 0)
      this.#log.warn('refused what a kernel wrote on fd 3', {
        refused: this.#refusedFrames,
        sizeBytes: line.length,
      });
  }

  #endRun(): void {
    this.#demux = undefined;
    this.#target = undefined;
    this.#lanes.endOrder();
  }

  #close(): void {
    this.#endRun();
    this.#requests.destroy();
    this.#lanes.close();
    if (this.#droppedBytes > 0)
      this.#log.info('output between runs was dropped', { droppedBytes: this.#droppedBytes });
  }
}
