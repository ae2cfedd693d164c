/**
 * How a program of user code is started and ended: through the launcher, or bare where the
 * configuration says `none`. Must never start user code any other way.
 */
import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface LauncherOptions {
  /** Path of the launcher, or `none` on a bare host. */
  readonly launcher: string;
  readonly seccompFile: string;
  readonly uid: number;
  readonly gid: number;
  readonly maxProcesses: number;
  readonly dataBytes: number;
  readonly fileBytes: number;
  readonly maxOpenFiles: number;
}

export type Command = readonly [string, ...string[]];

export function launchCommand(options: LauncherOptions, cwd: string, command: Command): Command {
  if (options.launcher === 'none') return command;
  const limits = {
    uid: options.uid,
    gid: options.gid,
    nproc: options.maxProcesses,
    data: options.dataBytes,
    fsize: options.fileBytes,
    nofile: options.maxOpenFiles,
  };
  const numbers = Object.entries(limits).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const files = ['--seccomp', options.seccompFile, '--cwd', cwd];
  return [options.launcher, ...numbers, ...files, '--', ...command];
}

/** Ends every process of the user, also those that left their group. On a bare host it does nothing. */
export async function killAllOfUser(options: LauncherOptions): Promise<void> {
  if (options.launcher === 'none') return;
  await run(options.launcher, ['--kill-all', '--uid', String(options.uid)], { env: {} });
}

/** Whether that user has half of the processes that it may have, or more. */
export function isCrowded(options: LauncherOptions): boolean {
  if (options.launcher === 'none' || options.maxProcesses === 0) return false;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const own = pids.filter((pid) => ownerOf(pid) === options.uid);
  return own.length >= options.maxProcesses / 2;
}

function ownerOf(pid: string): number | undefined {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
}

/** A group that is gone is what was wanted. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
