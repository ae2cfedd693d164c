/**
 * How a program of user code is started and ended: through the launcher, or bare where the
 * configuration says `none`. Must never start user code any other way.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
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
  /** For programs of ours: user code can neither signal nor trace them. */
  readonly guard?: true;
  /** What failed before the program started is told on fd 3, which the program does not get. */
  readonly report?: true;
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
  const guard = options.guard ? ['--guard'] : [];
  const report = options.report ? ['--report'] : [];
  return [options.launcher, ...numbers, ...files, ...guard, ...report, '--', ...command];
}

/** Ends every process of the user, also those that left their group. On a bare host it does nothing. */
export async function killAllOfUser(options: LauncherOptions): Promise<void> {
  if (options.launcher === 'none') return;
  await run(options.launcher, ['--kill-all', '--uid', String(options.uid)], { env: {} });
}

/** Ends the user's processes but those of the sessions that these lead; answers how many. */
export function killStrays(options: LauncherOptions, leaders: ReadonlySet<number>): number {
  if (options.launcher === 'none') return 0;
  const strays = pidsOf(options.uid).filter((pid) => {
    const session = sessionOf(pid);
    return session !== undefined && !leaders.has(session);
  });
  for (const pid of strays) signal(Number(pid), 'SIGKILL');
  return strays.length;
}

/** Whether that user has half of the processes that it may have, or more. */
export function isCrowded(options: LauncherOptions): boolean {
  if (options.launcher === 'none' || options.maxProcesses === 0) return false;
  return pidsOf(options.uid).length >= options.maxProcesses / 2;
}

function pidsOf(uid: number): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => ownerOf(pid) === uid);
}

function ownerOf(pid: string): number | undefined {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
}

/** Absent where the process has ended. */
function sessionOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may itself hold brackets and spaces.
    const session = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
    return Number(session);
  } catch {
    return undefined;
  }
}

export function signalGroup(leader: number, name: NodeJS.Signals): void {
  signal(-leader, name);
}

/** It must be known to live: its id may be another's after that. */
export function signalProcess(pid: number, name: NodeJS.Signals): void {
  signal(pid, name);
}

/** A process or group that is gone is what was wanted. */
function signal(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
