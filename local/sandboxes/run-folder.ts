/**
 * Folders that drivers keep beside each other, one each. Owns the removal of those whose owner is dead,
 * and of processes that still write there. Must never touch the folder of a living owner.
 */
import { readdir, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { subfolders } from './cgroups/cgroup.ts';
import { sendSignal } from './signal.ts';

export async function sweepFolders(
  directory: string,
  isStale: (owner: string) => boolean,
): Promise<void> {
  const stale = (await subfolders(directory)).filter(isStale);
  if (stale.length === 0) return;
  const real = await realpath(directory);
  await killWriters(stale.map((name) => `${join(real, name)}/`));
  await Promise.all(
    stale.map((name) => rm(join(directory, name), { recursive: true, force: true })),
  );
}

/**
 * An owner that is killed while bwrap waits for its maps leaves a process that nothing else ends:
 * it is in no control group yet. Its output goes to a file of the owner's, which tells whose it is.
 */
async function killWriters(folders: readonly string[]): Promise<void> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const output = await readlink(`/proc/${pid}/fd/1`).catch(() => '');
    if (!folders.some((folder) => output.startsWith(folder))) continue;
    sendSignal(Number(pid), 'SIGKILL');
  }
}
