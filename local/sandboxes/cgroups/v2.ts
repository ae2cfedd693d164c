/**
 * Control groups of version 2: one tree, in which controllers are handed down level by level.
 * Owns file names and formats of version 2.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreMissing } from '../errors.ts';
import {
  type Cgroups,
  ensureFolder,
  type Limits,
  PARENT_GROUP,
  PERIOD_US,
  quotaUs,
  removeFolder,
  removeIfEmpty,
  subfolders,
  type TaskGroup,
} from './cgroup.ts';

const CONTROLLERS = ['cpu', 'memory', 'pids'] as const;

/** `root` is a group that we may write to and whose controllers we may hand down. */
export function cgroupsV2(root: string): Cgroups {
  const folder = (...names: string[]): string => join(root, PARENT_GROUP, ...names);
  const groupOf = (owner: string, task: string): TaskGroup => new TaskGroupV2(folder(owner, task));
  return {
    version: 2,
    async create(owner, task, limits) {
      for (const level of [root, folder(), folder(owner)]) {
        await ensureFolder(level);
        await handDown(level);
      }
      await ensureFolder(folder(owner, task));
      await writeLimits(folder(owner, task), limits);
      return groupOf(owner, task);
    },
    open: groupOf,
    list: (owner) => subfolders(folder(...(owner ? [owner] : []))),
    async removeOwner(owner) {
      await removeFolder(folder(owner));
      await removeIfEmpty(folder());
    },
  };
}

/** A write is needed only once a level; afterwards it is a read. */
async function handDown(level: string): Promise<void> {
  const file = join(level, 'cgroup.subtree_control');
  const active = new Set((await readFile(file, 'utf8')).trim().split(/\s+/));
  const missing = CONTROLLERS.filter((name) => !active.has(name));
  if (missing.length > 0) await writeFile(file, missing.map((name) => `+${name}`).join(' '));
}

async function writeLimits(folder: string, limits: Limits): Promise<void> {
  await Promise.all([
    writeFile(join(folder, 'memory.max'), String(limits.memoryBytes)),
    writeFile(join(folder, 'pids.max'), String(limits.processes)),
    writeFile(join(folder, 'cpu.max'), `${quotaUs(limits.vcpu)} ${PERIOD_US}`),
    // Swap would let a task have more than its memory; a kernel without swap lacks the file.
    writeFile(join(folder, 'memory.swap.max'), '0', { flag: 'r+' }).catch(ignoreMissing),
  ]);
}

class TaskGroupV2 implements TaskGroup {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async add(pid: number): Promise<void> {
    await writeFile(join(this.#folder, 'cgroup.procs'), String(pid));
  }

  async outOfMemoryKills(): Promise<number> {
    const text = await readFile(join(this.#folder, 'memory.events'), 'utf8');
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
  }

  async killAll(): Promise<void> {
    await writeFile(join(this.#folder, 'cgroup.kill'), '1', { flag: 'r+' }).catch(ignoreMissing);
  }

  async remove(): Promise<void> {
    await removeFolder(this.#folder);
  }
}
