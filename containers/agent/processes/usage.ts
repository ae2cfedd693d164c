/**
 * What a process has used, from /proc. What cannot be read is absent, never a guess.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/** Linux reports times in ticks of a 100th of a second, on every architecture. */
const TICK_MS = 10;
/** Positions after the name in /proc/PID/stat, which may itself hold spaces. */
const UTIME = 11;

export interface Usage {
  /** With children that were waited for. */
  readonly cpuUserMs?: number;
  readonly cpuSystemMs?: number;
  readonly memoryPeakBytes?: number;
}

/** From here on the peak counts anew. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Not allowed here, or the process is gone: the peak is then that of its whole life.
  }
}

export function readUsage(pid: number): Usage {
  return { ...readCpu(pid), ...readPeak(pid) };
}

/** The difference, where both sides were measured. */
export function usageSince(before: Usage, after: Usage): Usage {
  return {
    ...difference('cpuUserMs', before, after),
    ...difference('cpuSystemMs', before, after),
    ...(after.memoryPeakBytes === undefined ? {} : { memoryPeakBytes: after.memoryPeakBytes }),
  };
}

function difference(name: 'cpuUserMs' | 'cpuSystemMs', before: Usage, after: Usage): Usage {
  const [from, to] = [before[name], after[name]];
  return from === undefined || to === undefined ? {} : { [name]: Math.max(0, to - from) };
}

function readCpu(pid: number): Usage {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return {};
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(UTIME, UTIME + 4);
  return {
    cpuUserMs: (user + childUser) * TICK_MS,
    cpuSystemMs: (system + childSystem) * TICK_MS,
  };
}

function readPeak(pid: number): Usage {
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return peak === undefined ? {} : { memoryPeakBytes: Number(peak) * 1024 };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
