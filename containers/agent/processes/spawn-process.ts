/**
 * Starts the program of a process as user code, and knows whether it did start: a command or directory
 * that is not there is its caller's mistake, not an output. Must never start one as root.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type OutputPipe, openOutputPipes } from '../kernels/pipes.ts';
import { notStarted } from './not-started.ts';
import type { ProcessConfig, ProcessExit, Started } from './process.ts';
import { startWithTerminal } from './terminal.ts';
import { type LauncherOptions, launchCommand } from './user-process.ts';

export interface SpawnOptions {
  readonly launcher: LauncherOptions;
  readonly ptyHelper: string;
  /** Where relative directories start. */
  readonly workspace: string;
  /** Root's own; the names of the pipes stand here for an instant. */
  readonly pipeDirectory: string;
  /** All that it finds. */
  readonly env: Readonly<Record<string, string>>;
}

export async function spawnProcess(config: ProcessConfig, options: SpawnOptions): Promise<Started> {
  const [stdout, stderr] = await openOutputPipes(options.pipeDirectory);
  // Nothing is read before somebody hears it.
  for (const { reader } of [stdout, stderr]) reader.pause();
  try {
    const place = { ...options, cwd: placeOf(config.cwd ?? '', options.workspace) };
    if (!config.pty) return await startPlain(config, { ...place, stdout, stderr });
    // A terminal shows both as one.
    stderr.reader.destroy();
    return await startWithTerminal(config, config.pty, { ...place, stdout });
  } catch (error) {
    stdout.reader.destroy();
    stderr.reader.destroy();
    throw error;
  } finally {
    closeSync(stdout.writerFd);
    closeSync(stderr.writerFd);
  }
}

interface PlainOptions extends SpawnOptions {
  readonly cwd: string;
  readonly stdout: OutputPipe;
  readonly stderr: OutputPipe;
}

async function startPlain(config: ProcessConfig, options: PlainOptions): Promise<Started> {
  const { launcher, cwd, env, stdout, stderr } = options;
  const own = { ...launcher, report: true } as const;
  const [program, ...args] = launchCommand(own, cwd, [config.command, ...config.args]);
  const child = spawn(program, args, {
    cwd: launcher.launcher === 'none' ? cwd : '/',
    env,
    // A session of its own: a signal to its group reaches what it has started.
    detached: true,
    stdio: [config.stdin ? 'pipe' : 'ignore', stdout.writerFd, stderr.writerFd, 'pipe'],
  });
  const exited = exitOf(child);
  await whenStarted(child, launcher.launcher === 'none');
  const { pid, stdin } = child;
  if (pid === undefined) throw new Error('a process was started without a pid');
  return { pid, exited, stdin, outputs: { stdout, stderr } };
}

/** Listened for from the start: a program may end before anyone asks. */
async function exitOf(child: ChildProcess): Promise<ProcessExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

function placeOf(cwd: string, workspace: string): string {
  return isAbsolute(cwd) ? cwd : join(workspace, cwd);
}

async function whenStarted(child: ChildProcess, isBare: boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(notStarted(error.message)));
  });
  // On a bare host there is no launcher that closes it; the program has it, and nobody listens.
  const report = child.stdio[3] as Readable;
  if (isBare) {
    report.destroy();
    return;
  }
  const problem = (await text(report)).trim();
  if (problem !== '') throw notStarted(problem);
}
