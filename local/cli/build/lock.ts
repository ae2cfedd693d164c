/**
 * Lets one process at a time work on a folder. The lock is a file with the holder's process id;
 * one whose holder has died is taken over. Must never be held longer than the work inside it.
 */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_MS = 50;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function create(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(String(process.pid));
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** A lock just made may be empty for a moment: that is a living holder. */
async function removeIfDead(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text === '' || isAlive(Number(text))) return;
  // Renamed first: of two that saw the dead holder only one moves the file away.
  const mine = `${file}.${process.pid}`;
  await rename(file, mine).catch(() => undefined);
  await rm(mine, { force: true });
}

export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  while (!(await create(file))) {
    await removeIfDead(file);
    await sleep(RETRY_MS);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}
