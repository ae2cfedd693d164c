/**
 * What a start needs for itself alone: its data folder and its port. Says in one line who has it and
 * what to do. Must never take a folder from a stack that lives.
 */
import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isStaleOwner, newOwnerName } from '../sandboxes/owner.ts';

/** Somebody must do something about it; the message says what, and no stack trace helps. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

const LOCK = 'owner';

/** Others may pass through it, as the users inside sandboxes must, but not into its data. */
export async function makeFolder(
  directory: string,
  { persist }: { persist: boolean },
): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    if (!persist) return;
    const data = join(directory, 'data');
    await mkdir(data, { recursive: true });
    // One of a former start may be open to others.
    await chmod(data, 0o700);
  } catch (error) {
    throw new StartError(`the data folder ${directory} cannot be made: ${messageOf(error)}`);
  }
}

/** The folder, which is there, is ours until this is disposed of, or until we die. */
export async function takeFolder(directory: string): Promise<AsyncDisposable> {
  const file = join(directory, LOCK);
  while (!(await writeOwner(file))) await removeStale(directory, file);
  return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
}

/** Written aside and linked into place, so that the file always names an owner. */
async function writeOwner(file: string): Promise<boolean> {
  const mine = `${file}.${randomUUID()}`;
  try {
    await writeFile(mine, newOwnerName());
    await link(mine, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(mine, { force: true });
  }
}

async function removeStale(directory: string, file: string): Promise<void> {
  const owner = await readFile(file, 'utf8').catch(() => undefined);
  if (owner === undefined) return;
  if (!isStaleOwner(owner)) {
    throw new StartError(
      `the data folder ${directory} is in use by process ${owner.split('-')[0]}: stop that one, or choose another folder with --data`,
    );
  }
  // Renamed first: of two that saw the dead owner only one moves the file away.
  const dead = `${file}.${randomUUID()}`;
  await rename(file, dead).catch(() => undefined);
  await rm(dead, { force: true });
}

/** Asked before the work of a start, which would be for nothing. */
export async function checkPort(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(portError(port, error)));
    server.listen(port, '127.0.0.1', resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}

/** What `error` means for whoever chose the port; another error stays as it is. */
export function portError(port: number, error: unknown): unknown {
  const advice = 'choose another with --port (0 takes any free one)';
  const code = codeOf(error);
  if (code === 'EADDRINUSE')
    return new StartError(`port ${port} is taken by another program: stop that one, or ${advice}`);
  if (code === 'EACCES')
    return new StartError(`port ${port} is not allowed to this user: ${advice}`);
  return error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
