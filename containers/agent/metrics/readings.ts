/**
 * What the sandbox uses at this instant, from its cgroup (v2 or v1), /proc and the file system. What cannot be
 * read is absent, never a guess.
 */
import { readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, freemem } from 'node:os';
import { groupFiles, memoryLimitBytes, oomKills, read } from '../processes/memory.ts';

export interface Reading {
  /** Of processor time since the start. */
  readonly cpuMs: number | undefined;
  readonly cpuCount: number | undefined;
  readonly memoryUsedBytes: number | undefined;
  readonly memoryLimitBytes: number | undefined;
  readonly diskUsedBytes: number | undefined;
  readonly diskLimitBytes: number | undefined;
  readonly networkReceivedBytes: number | undefined;
  readonly networkSentBytes: number | undefined;
  /** Processes that were ended for want of memory. */
  readonly oomKills: number | undefined;
}

/** Positions in /proc/PID/stat after the name, which may itself hold spaces. */
const UTIME = 11;
const RSS = 21;
const TICK_MS = 10;
const PAGE_BYTES = 4_096;

export interface Limits {
  readonly memoryBytes: number | undefined;
}

export async function readResources(workspace: string, limits: Limits): Promise<Reading> {
  const disk = await statfs(workspace).catch(() => undefined);
  const group = { cpuMs: cpuMs(), memoryUsedBytes: memoryUsedBytes() };
  const isWhole = group.cpuMs !== undefined && group.memoryUsedBytes !== undefined;
  return {
    ...(isWhole ? group : ofProcesses()),
    cpuCount: cpuCount(),
    memoryLimitBytes: limits.memoryBytes ?? memoryLimitBytes(),
    diskUsedBytes: disk && (disk.blocks - disk.bfree) * disk.bsize,
    // What only root may use is no room for user code.
    diskLimitBytes: disk && (disk.blocks - disk.bfree + disk.bavail) * disk.bsize,
    ...network(),
    oomKills: oomKills(),
  };
}

/** Of memory: what user code may still take before the sandbox, or the machine below it, has none. */
export async function readRoom(workspace: string, limits: Limits): Promise<number> {
  const { memoryLimitBytes: limit, memoryUsedBytes: used } = await readResources(workspace, limits);
  return limit === undefined || used === undefined ? 0 : Math.min(limit - used, freemem());
}

function cpuMs(): number | undefined {
  const v2 = first(groupFiles('cpu.stat', 'none', 'cpu'), /^usage_usec (\d+)$/m);
  if (v2 !== undefined) return v2 / 1_000;
  const v1 = first(groupFiles('none', 'cpuacct.usage', 'cpuacct'), /^(\d+)$/m);
  return v1 === undefined ? undefined : v1 / 1_000_000;
}

/** Of all processors together since the machine began. */
export function idleProcessorMs(): number | undefined {
  const [, idle, waiting] = /^cpu +\d+ \d+ \d+ (\d+) (\d+)/.exec(read('/proc/stat') ?? '') ?? [];
  return idle && waiting ? (Number(idle) + Number(waiting)) * TICK_MS : undefined;
}

/** The quota's, else the machine's. */
function cpuCount(): number {
  const machine = availableParallelism();
  for (const path of groupFiles('cpu.max', 'none', 'cpu')) {
    const [, quota, period] = /^(\d+) (\d+)/.exec(read(path) ?? '') ?? [];
    if (quota && period) return Math.min(machine, Number(quota) / Number(period));
  }
  for (const path of groupFiles('none', 'cpu.cfs_quota_us', 'cpu')) {
    const [quota, period] = [path, path.replace('quota', 'period')].map((file) =>
      Number(read(file)),
    );
    // None is -1.
    if (quota && period && quota > 0) return Math.min(machine, quota / period);
  }
  return machine;
}

/** Without what the kernel gives back when it is wanted. */
function memoryUsedBytes(): number | undefined {
  const used = first(groupFiles('memory.current', 'memory.usage_in_bytes'), /^(\d+)$/m);
  if (used === undefined) return undefined;
  const stat = groupFiles('memory.stat', 'memory.stat');
  const cache = first(stat, /^(?:total_)?inactive_file (\d+)$/m) ?? 0;
  return Math.max(0, used - cache);
}

/** Where no cgroup can be read: of the processes that there are. What has ended is not counted any more. */
function ofProcesses(): Pick<Reading, 'cpuMs' | 'memoryUsedBytes'> {
  let [ticks, pages] = [0, 0];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = read(`/proc/${pid}/stat`) ?? '';
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    ticks += (fields[UTIME] ?? 0) + (fields[UTIME + 1] ?? 0);
    pages += fields[RSS] ?? 0;
  }
  return { cpuMs: ticks * TICK_MS, memoryUsedBytes: pages * PAGE_BYTES };
}

/** Of all ways out and in but the loopback. */
function network(): Pick<Reading, 'networkReceivedBytes' | 'networkSentBytes'> {
  const lines = (read('/proc/net/dev') ?? '').split('\n').filter((line) => line.includes(':'));
  if (lines.length === 0) return { networkReceivedBytes: undefined, networkSentBytes: undefined };
  let [received, sent] = [0, 0];
  for (const line of lines) {
    const [name = '', counts = ''] = line.split(':');
    if (name.trim() === 'lo') continue;
    const fields = counts.trim().split(/\s+/).map(Number);
    received += fields[0] ?? 0;
    sent += fields[8] ?? 0;
  }
  return { networkReceivedBytes: received, networkSentBytes: sent };
}

function first(paths: readonly string[], pattern: RegExp): number | undefined {
  for (const path of paths) {
    const found = pattern.exec(read(path) ?? '')?.[1];
    if (found !== undefined) return Number(found);
  }
  return undefined;
}
