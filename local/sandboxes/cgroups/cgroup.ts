/**
 * What a driver asks of control groups, whichever version the kernel has.
 * Owns names and the sweep; must never move or end a process that is not a sandbox's.
 */
import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, ignoreMissing } from '../errors.ts';

/** Everything this product makes in the cgroup tree is below a group of this name. */
export const PARENT_GROUP = 'code-interpreter';

export interface Limits {
  readonly memoryBytes: number;
  readonly vcpu: number;
  readonly processes: number;
}

/** The group of one task. */
export interface TaskGroup {
  /** Puts a process under the limits; its children are born there. */
  add(pid: number): Promise<void>;
  /** How many processes the kernel has ended here for want of memory. */
  outOfMemoryKills(): Promise<number>;
  /** Ends every process of the group, however fast it forks. */
  killAll(): Promise<void>;
  /** Removes the group; waits until the last process is gone. */
  remove(): Promise<void>;
}

export interface Cgroups {
  readonly version: 1 | 2;
  create(owner: string, task: string, limits: Limits): Promise<TaskGroup>;
  /** The group of a task that another run has left behind. */
  open(owner: string, task: string): TaskGroup;
  /** Names of owners, then of their tasks. */
  list(owner?: string): Promise<string[]>;
  removeOwner(owner: string): Promise<void>;
}

/** Ends what owners that no longer live have left. */
export async function sweepCgroups(
  cgroups: Cgroups,
  isStale: (owner: string) => boolean,
): Promise<void> {
  for (const owner of (await cgroups.list()).filter(isStale)) {
    for (const task of await cgroups.list(owner)) {
      const group = cgroups.open(owner, task);
      await group.killAll();
      await group.remove();
    }
    await cgroups.removeOwner(owner);
  }
}

export const PERIOD_US = 100_000;

/** The kernel refuses quotas under 1 ms. */
export function quotaUs(vcpu: number): number {
  return Math.max(1000, Math.round(vcpu * PERIOD_US));
}

export async function ensureFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
}

export async function subfolders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(ignoreMissing);
  return (entries ?? []).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/**
 * The kernel answers EBUSY while a process is still on its way out, and has no event for the end of that.
 * Gone already is as good as removed: two sweeps may meet.
 */
export async function removeFolder(path: string): Promise<void> {
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 50)) {
    try {
      return await rmdir(path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      if (codeOf(error) !== 'EBUSY') throw error;
      await sleep(waitMs);
    }
  }
}

/** For what several drivers share: the last one to leave removes it. */
export async function removeIfEmpty(path: string): Promise<void> {
  await rmdir(path).catch((error: unknown) => {
    const code = codeOf(error) ?? '';
    if (!['ENOENT', 'EBUSY', 'ENOTEMPTY'].includes(code)) throw error;
  });
}
