/** Paths as E2B's callers write them: `~` is the home directory, nothing is too, and `..` leads back by name. */
import { posix } from 'node:path';
import * as z from 'zod/mini';
import { FilePath } from '../../../contract/agent/files.ts';

export function homePath(path: string): string {
  if (path === '~') return '.';
  return posix.normalize(path.startsWith('~/') ? `./${path.slice(2)}` : path);
}

export const E2bPath = z.pipe(z.string(), z.pipe(z.transform(homePath), FilePath));
