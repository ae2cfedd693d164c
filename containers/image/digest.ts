/**
 * One digest over files and folders of a docker context: their names and bytes, whether they can be executed,
 * and nothing that depends on when or by whom they were written.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

export async function digestOf(directory: string, names: readonly string[]): Promise<string> {
  const files = (await Promise.all(names.map((name) => filesOf(join(directory, name))))).flat();
  const whole = createHash('sha256');
  for (const path of files.sort()) {
    const { mode, size } = await stat(path);
    const executable = (mode & 0o100) === 0 ? '-' : 'x';
    whole.update(`${relative(directory, path)}\0${executable}\0${size}\0`);
    for await (const chunk of createReadStream(path)) whole.update(chunk as Buffer);
  }
  return whole.digest('hex');
}

async function filesOf(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}
