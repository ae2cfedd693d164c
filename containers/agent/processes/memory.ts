/**
 * The memory that this task may use, and how often the kernel has killed a process for want of it.
 * Reads cgroup v2 or v1, whichever holds the memory controller; answers nothing where neither can be read.
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** The container's own group stands at the mount's root inside a container, at its path on a host. */
export function groupFiles(v2: string, v1: string, controller = 'memory'): string[] {
  const groups = (read('/proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'));
  const path2 = groups.find(([id]) => id === '0')?.[2] ?? '/';
  const path1 = groups.find(([, names]) => names?.split(',').includes(controller))?.[2] ?? '/';
  const root = '/sys/fs/cgroup';
  return [
    `${root}${path2}/${v2}`,
    `${root}/${v2}`,
    `${root}/${controller}${path1}/${v1}`,
    `${root}/${controller}/${v1}`,
  ];
}

/** The lower of the group's limit and the machine's memory. */
export function memoryLimitBytes(): number {
  for (const file of groupFiles('memory.max', 'memory.limit_in_bytes')) {
    const text = read(file)?.trim();
    if (text !== undefined && /^\d+$/.test(text)) return Math.min(Number(text), totalmem());
  }
  return totalmem();
}

/** Grows with each process that was killed for memory. */
export function oomKills(): number | undefined {
  for (const file of groupFiles('memory.events', 'memory.oom_control')) {
    const count = /^oom_kill (\d+)$/m.exec(read(file) ?? '')?.[1];
    if (count !== undefined) return Number(count);
  }
  return undefined;
}

export function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
