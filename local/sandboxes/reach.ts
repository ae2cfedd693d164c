/**
 * Whether a sandbox's own uid can get to a path, and a copy where it cannot: the home folder of whoever
 * started us is often closed to everyone else. Must never widen the rights of a folder it did not make.
 */
import { statSync } from 'node:fs';
import { chmod, copyFile, link, mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const ENTER = 0o001;
const READ = 0o004;

/** True if everyone may pass through every folder on the way, and through this one. */
export function isReachable(directory: string): boolean {
  for (let path = directory; ; path = dirname(path)) {
    if ((statSync(path).mode & ENTER) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/** A copy of a folder that everyone may read; large files become second names where that is possible. */
export async function copyReadable(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  for (const name of await readdir(from)) {
    const source = await realpath(join(from, name));
    const target = join(to, name);
    const facts = await stat(source);
    if (facts.isDirectory()) await copyReadable(source, target);
    else if ((facts.mode & READ) !== 0)
      await link(source, target).catch(() => copyFile(source, target));
    else {
      await copyFile(source, target);
      await chmod(target, facts.mode | 0o444);
    }
  }
}
