/** What /proc says of a process and all below it. Reads only; Linux only. */
import { readdir, readFile } from 'node:fs/promises';

const read = (path: string) => readFile(path, 'utf8').catch(() => '');

export const isAlive = async (pid: number) => (await read(`/proc/${pid}/stat`)) !== '';

/** The `--aws-profile` that the deployment was started with. */
export async function profileOf(pid: number): Promise<string> {
  const args = (await read(`/proc/${pid}/cmdline`)).split('\0');
  const at = args.findIndex((arg) => arg.startsWith('--aws-profile'));
  const value = args[at]?.split('=')[1] ?? args[at + 1];
  return at === -1 ? 'fast' : (value ?? 'fast');
}

/** All below it, itself left out. */
export async function descendants(root: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = await Promise.all(pids.map(async (pid) => [pid, await parentOf(pid)] as const));
  const below = new Set([root]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const [pid, parent] of parents) {
      if (below.has(parent) && !below.has(pid)) grown = Boolean(below.add(pid));
    }
  }
  below.delete(root);
  return [...below];
}

async function parentOf(pid: number): Promise<number> {
  // The name in brackets may hold spaces and brackets itself: the fields begin after the last one.
  const stat = await read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

/** Proportional set size; `undefined` where this user may not read it. */
export async function pssMib(pid: number): Promise<number | undefined> {
  const match = /^Pss:\s+(\d+) kB$/m.exec(await read(`/proc/${pid}/smaps_rollup`));
  return match ? Number(match[1]) / 1024 : undefined;
}

/** Waits until what is below the process has not changed in number for a while; bounded. */
export async function settled(
  root: number,
  { atLeast, quietMs = 600, limitMs = 30_000 }: SettleOptions,
): Promise<number> {
  const until = performance.now() + limitMs;
  let count = -1;
  for (let since = performance.now(); ; ) {
    const now = (await descendants(root)).length;
    if (now !== count) {
      count = now;
      since = performance.now();
    }
    const quiet = performance.now() - since >= quietMs && count >= atLeast;
    if (quiet || performance.now() > until) return count;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface SettleOptions {
  readonly atLeast: number;
  readonly quietMs?: number;
  readonly limitMs?: number;
}
