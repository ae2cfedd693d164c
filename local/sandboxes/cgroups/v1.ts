/**
 * Control groups of version 1: one tree per controller, so a task has a folder in each.
 * Owns file names and formats of version 1.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, ignoreMissing } from '../errors.ts';
import { sendSignal } from '../signal.ts';
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

/** Where each controller is mounted; some kernels mount cpu and cpuacct at one place. */
export interface ControllerMounts {
  readonly memory: string;
  readonly cpu: string;
  readonly pids: string;
  readonly freezer: string;
}

export function cgroupsV1(mounts: ControllerMounts): Cgroups {
  const controllers = [...new Set(Object.values(mounts) as string[])];
  const foldersOf = (...names: string[]): string[] =>
    controllers.map((mount) => join(mount, PARENT_GROUP, ...names));
  const groupOf = (owner: string, task: string): TaskGroup =>
    new TaskGroupV1({
      folders: foldersOf(owner, task),
      memory: join(mounts.memory, PARENT_GROUP, owner, task),
      freezer: join(mounts.freezer, PARENT_GROUP, owner, task),
    });
  return {
    version: 1,
    async create(owner, task, limits) {
      await Promise.all(foldersOf(owner, task).map(ensureFolder));
      await writeLimits(mounts, join(PARENT_GROUP, owner, task), limits);
      return groupOf(owner, task);
    },
    open: groupOf,
    async list(owner) {
      const found = await Promise.all(foldersOf(...(owner ? [owner] : [])).map(subfolders));
      return [...new Set(found.flat())];
    },
    async removeOwner(owner) {
      await Promise.all(foldersOf(owner).map(removeFolder));
      await Promise.all(foldersOf().map(removeIfEmpty));
    },
  };
}

async function writeLimits(mounts: ControllerMounts, path: string, limits: Limits): Promise<void> {
  const memory = join(mounts.memory, path);
  await Promise.all([
    writeFile(join(memory, 'memory.limit_in_bytes'), String(limits.memoryBytes)),
    writeFile(join(mounts.pids, path, 'pids.max'), String(limits.processes)),
    writeFile(join(mounts.cpu, path, 'cpu.cfs_period_us'), String(PERIOD_US)),
  ]);
  await writeFile(join(mounts.cpu, path, 'cpu.cfs_quota_us'), String(quotaUs(limits.vcpu)));
  // Swap would let a task have more than its memory; a kernel without swap accounting lacks the file.
  await writeFile(join(memory, 'memory.memsw.limit_in_bytes'), String(limits.memoryBytes), {
    flag: 'r+',
  }).catch(ignoreMissing);
}

interface Folders {
  readonly folders: readonly string[];
  readonly memory: string;
  readonly freezer: string;
}

class TaskGroupV1 implements TaskGroup {
  readonly #at: Folders;

  constructor(at: Folders) {
    this.#at = at;
  }

  async add(pid: number): Promise<void> {
    for (const folder of this.#at.folders) {
      await writeFile(join(folder, 'cgroup.procs'), String(pid));
    }
  }

  async outOfMemoryKills(): Promise<number> {
    const text = await readFile(join(this.#at.memory, 'memory.oom_control'), 'utf8');
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
  }

  async killAll(): Promise<void> {
    const state = join(this.#at.freezer, 'freezer.state');
    // Frozen, a group cannot fork away from the list that is being read.
    const exists = await writeFile(state, 'FROZEN', { flag: 'r+' }).then(
      () => true,
      (error: unknown) => codeOf(error) !== 'ENOENT',
    );
    for (const folder of this.#at.folders) {
      const text = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(ignoreMissing);
      for (const pid of (text ?? '').split('\n').filter(Boolean))
        sendSignal(Number(pid), 'SIGKILL');
    }
    if (exists) await writeFile(state, 'THAWED', { flag: 'r+' }).catch(ignoreMissing);
  }

  async remove(): Promise<void> {
    await Promise.all(this.#at.folders.map(removeFolder));
  }
}
