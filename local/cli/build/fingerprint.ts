/**
 * One hash over the content of files and folders, so that a build knows whether its inputs changed.
 * It looks at names and bytes, never at times: a fresh checkout of the same tree is the same tree.
 */
import { createHash, type Hash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return [];
  if (!found.isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function add(hash: Hash, name: string, content: Buffer): void {
  hash.update(`${name}\0${content.length}\0`).update(content);
}

/** `salt` is what else the result depends on. Paths that do not exist count as empty. */
export async function fingerprint(
  root: string,
  paths: readonly string[],
  salt: string = '',
): Promise<string> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  const contents = await Promise.all(files.map((file) => readFile(file)));
  const hash = createHash('sha256').update(salt);
  for (const [index, file] of files.entries())
    add(hash, relative(root, file), contents[index] ?? Buffer.alloc(0));
  return hash.digest('hex');
}
