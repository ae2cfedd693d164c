/**
 * Starts a process with a terminal, by a program that holds the terminal's other end. Owns what is said with
 * it. Must never take its word for more than a pid, an end and a reason.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { OutputPipe } from '../kernels/pipes.ts';
import { notStarted } from './not-started.ts';
import type { ProcessConfig, ProcessExit, PtySize, Started } from './process.ts';
import { type LauncherOptions, launchCommand } from './user-process.ts';

export interface TerminalOptions {
  readonly launcher: LauncherOptions;
  readonly ptyHelper: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: OutputPipe;
}

export async function startWithTerminal(
  config: ProcessConfig,
  size: PtySize,
  options: TerminalOptions,
): Promise<Started> {
  const { launcher, ptyHelper, cwd, env, stdout } = options;
  const { cols, rows } = size;
  const command = [ptyHelper, String(cols), String(rows), config.command, ...config.args] as const;
  const [program, ...args] = launchCommand({ ...launcher, guard: true }, cwd, command);
  const child = spawn(program, args, {
    cwd: launcher.launcher === 'none' ? cwd : '/',
    env,
    detached: true,
    stdio: ['pipe', stdout.writerFd, 'pipe', 'pipe'],
  });
  const { stdin, stderr } = child;
  // Both ways: the helper's words, and ours on the size.
  const control = child.stdio[3] as Duplex;
  control.on('error', () => undefined);
  if (!stdin || !stderr) throw new Error('a helper was spawned without its pipes');
  const told: string[] = [];
  const exited = once(child, 'exit').then(() => endIn(told));
  exited.catch(() => undefined);
  // What the launcher says where it comes to no helper.
  const launcherSays = text(stderr).catch(() => '');
  await once(child, 'spawn').catch((error: unknown) => {
    throw notStarted(error instanceof Error ? error.message : String(error));
  });
  const lines = createInterface({ input: control });
  lines.on('line', (line) => told.push(line));
  await Promise.race([once(lines, 'line'), once(lines, 'close')]);
  const pid = /^started (\d{1,10})$/.exec(told[0] ?? '')?.[1];
  if (pid === undefined) throw notStarted(told[0] ?? (await launcherSays));
  const resize = (next: PtySize) => void control.write(`${next.cols} ${next.rows}\n`);
  return { pid: Number(pid), exited, stdin, outputs: { stdout }, resize };
}

/** A helper that ended without a word was killed, and its program with it. */
function endIn(told: readonly string[]): ProcessExit {
  const [, code, number] = /^ended (\d{1,3}) (\d{1,3})$/.exec(told.at(-1) ?? '') ?? [];
  if (code === undefined) return { code: null, signal: 'SIGKILL' };
  const signal = Object.entries(constants.signals).find(
    ([, value]) => value === Number(number),
  )?.[0];
  return signal === undefined
    ? { code: Number(code), signal: null }
    : { code: null, signal: signal as NodeJS.Signals };
}
