/**
 * One run of bubblewrap: from the fork to the last process of its namespace.
 * Owns the handshake: nothing inside runs before its limits, its users and its network are in place.
 */
import { type ChildProcess, type StdioNull, type StdioPipe, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CopiedFiles, FD } from './arguments.ts';
import { startTime } from './owner.ts';
import { sendSignal } from './signal.ts';

export interface BwrapOptions {
  readonly bwrap: string;
  readonly arguments: readonly string[];
  readonly command: readonly string[];
  readonly copies: CopiedFiles;
  /** Ours by inheritance, and nobody's inside. */
  readonly inheritedFds: readonly number[];
  readonly startAs: { readonly uid: number; readonly gid: number } | undefined;
  /** Takes what bwrap and the command write. */
  readonly logFd: number;
  /** Called with the first process of the namespace while it still waits; it goes on when this resolves. */
  readonly place: (pid: number) => Promise<void>;
  /** Called when all copies are there and the command still waits. */
  readonly connect: ((pid: number) => Promise<void>) | undefined;
}

export class BwrapProcess {
  readonly #child: ChildProcess;
  readonly #initPid: number;
  /** Settles with bwrap's exit code when every process of the namespace is gone. */
  readonly exited: Promise<number | null>;

  private constructor(child: ChildProcess, initPid: number, exit: Promise<number | null>) {
    this.#child = child;
    this.#initPid = initPid;
    const start = startTime(initPid);
    this.exited = exit.then(async (code) => {
      await endNamespace(initPid, start);
      return code;
    });
  }

  static async start(options: BwrapOptions): Promise<BwrapProcess> {
    const child = spawnBwrap(options);
    const exit = exitOf(child);
    let pid: number | undefined;
    try {
      const { info, userns, args, block } = pipesOf(
        child,
        FD.firstCopy + options.copies.fds.length,
      );
      args.end(`${options.arguments.join('\0')}\0`);
      pid = await Promise.race([readChildPid(info), failedStart(exit)]);
      await options.place(pid);
      const started = new BwrapProcess(child, pid, exit);
      userns.end('1', () => userns.destroy());
      await options.connect?.(pid);
      block?.end('1', () => block.destroy());
      return started;
    } catch (error) {
      child.kill('SIGKILL');
      await exit.catch(() => undefined);
      if (pid !== undefined) await endNamespace(pid, startTime(pid));
      throw error;
    }
  }

  /** SIGTERM to the command itself; process 1 of the namespace is bwrap and would ignore it. */
  terminate(): void {
    try {
      const path = `/proc/${this.#initPid}/task/${this.#initPid}/children`;
      const [command] = readFileSync(path, 'utf8').split(' ');
      if (command) sendSignal(Number(command), 'SIGTERM');
      // It has not begun: nothing would hear of the signal.
      else this.kill();
    } catch {
      // This kernel lists no children: SIGKILL follows after the grace.
    }
  }

  /** Everything inside dies with bwrap. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/**
 * Process 1 of a namespace normally dies with bwrap, but not while it still waits for its maps.
 * The kernel ends it after everything else of the namespace, and has no event for that.
 */
async function endNamespace(pid: number, start: string | undefined): Promise<void> {
  const lives = (): boolean => start !== undefined && startTime(pid) === start;
  for (let waitMs = 1; lives(); waitMs = Math.min(waitMs * 2, 20)) {
    sendSignal(pid, 'SIGKILL');
    await sleep(waitMs);
  }
}

function spawnBwrap(options: BwrapOptions): ChildProcess {
  const { startAs, logFd, copies, connect } = options;
  // The command inherits whatever bwrap was given, so the last descriptor is there only where it is used.
  const last = connect === undefined ? [] : ['pipe' as const];
  const blockFd = FD.firstCopy + copies.fds.length;
  const stdio: (StdioNull | StdioPipe | number)[] = [
    'ignore',
    logFd,
    logFd,
    'pipe',
    'pipe',
    'pipe',
    ...copies.fds,
  ];
  stdio.push(...last);
  // Node leaves a place without an entry as it is, so what we inherited there is replaced by what we log to.
  for (const fd of options.inheritedFds) stdio[fd] ??= logFd;
  return spawn(
    options.bwrap,
    [
      `--info-fd ${FD.info} --userns-block-fd ${FD.userns} --args ${FD.arguments}`.split(' '),
      connect === undefined ? [] : ['--block-fd', String(blockFd)],
      ['--', ...options.command],
    ].flat(),
    {
      stdio: Array.from(stdio, (entry) => entry ?? 'ignore'),
      cwd: '/',
      env: {},
      ...startAs,
    },
  );
}

interface Pipes {
  readonly info: Readable;
  readonly userns: Writable;
  readonly args: Writable;
  readonly block: Writable | undefined;
}

function pipesOf(child: ChildProcess, blockFd: number): Pipes {
  const stdio: readonly unknown[] = child.stdio;
  const pipes = {
    info: stdio[FD.info] as Readable,
    userns: stdio[FD.userns] as Writable,
    args: stdio[FD.arguments] as Writable,
    block: (stdio[blockFd] ?? undefined) as Writable | undefined,
  };
  for (const pipe of Object.values(pipes)) {
    // bwrap may die before it has read them; its exit says so better than EPIPE does.
    pipe?.on('error', () => pipe.destroy());
  }
  return pipes;
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal === 'SIGKILL' ? 137 : code;
}

async function failedStart(exit: Promise<number | null>): Promise<never> {
  throw new Error(`bwrap exited with ${await exit} before the task started`);
}

/** Reads to the end of bwrap's JSON: it comes in several writes, and the rest would kill bwrap if we had gone. */
async function readChildPid(info: Readable): Promise<number> {
  let text = '';
  for await (const chunk of info) {
    text += String(chunk);
    if (!text.includes('}')) continue;
    const pid = /"child-pid":\s*(\d+)/.exec(text)?.[1];
    if (pid !== undefined) return Number(pid);
  }
  // The end without a number: bwrap is going, and its exit tells why.
  return new Promise(() => undefined);
}
