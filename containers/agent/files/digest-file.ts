/** The SHA-256 of a file, with the version that it is of. A file that becomes shorter meanwhile has none. */
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import type { FileDigest } from '../../../contract/agent/files.ts';
import { AppError } from '../../../contract/errors.ts';
import type { FileSystem } from './file-system.ts';

export async function digestFile(files: FileSystem, path: string): Promise<FileDigest> {
  using run = files.read(path);
  const entry = await run.entry();
  run.send(['0', String(entry.sizeBytes)]);
  const hash = createHash('sha256');
  await pipeline(run.output, hash);
  if ((await run.exited) === 0) return { entry, sha256: hash.digest('hex') };
  throw new AppError('INVALID_SANDBOX_STATE', 'path: changed while it was read: ask again', {
    details: { field: 'path' },
  });
}
