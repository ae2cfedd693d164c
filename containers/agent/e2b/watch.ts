/**
 * `WatchDir` of the E2B filesystem service: changes below a directory as they happen. Must never go on as if
 * nothing were missing where changes were lost.
 */
import { posix } from 'node:path';
import * as z from 'zod/mini';
import type { FileSystem } from '../files/file-system.ts';
import type { FileChange, HelperAnswer } from '../files/helper-run.ts';
import { refuseUnlessReady } from '../files/watches.ts';
import type { StreamCall } from './connect.ts';
import { ConnectError } from './connect-errors.ts';
import { type Deadline, deadline } from './deadline.ts';
import { project } from './file-entries.ts';
import { E2bPath } from './paths.ts';

export const WatchDirRequest = z.object({
  path: E2bPath,
  recursive: z._default(z.boolean(), false),
  /** Whether each change comes with what is known of its file. */
  includeEntry: z._default(z.boolean(), false),
});
export type WatchDirRequest = z.infer<typeof WatchDirRequest>;

const TYPES: Readonly<Record<Exclude<FileChange, 'lost'>, string>> = {
  create: 'EVENT_TYPE_CREATE',
  write: 'EVENT_TYPE_WRITE',
  remove: 'EVENT_TYPE_REMOVE',
  rename: 'EVENT_TYPE_RENAME',
  chmod: 'EVENT_TYPE_CHMOD',
};

export async function watchDir(call: StreamCall, request: WatchDirRequest): Promise<void> {
  const { sandbox, stream, keepaliveMs, timeoutMs } = call;
  using run = sandbox.files.watch(request.path, request.recursive);
  refuseUnlessReady(await run.answer());
  stream.onClose(() => run[Symbol.dispose]());
  using late = deadline(timeoutMs, 0, () => run[Symbol.dispose]());
  await stream.send({ start: {} });
  let next = run.later();
  while (stream.isOpen) {
    const answer = await within(next, keepaliveMs, late);
    if (answer === 'late') throw new ConnectError('deadline_exceeded', 'the time limit has passed');
    if (answer === 'silence') {
      await stream.send({ keepalive: {} });
      continue;
    }
    if (answer.kind === 'end') break;
    await stream.send({ filesystem: await changeOf(sandbox.files, request, answer) });
    next = run.later();
  }
  stream.end();
}

export async function changeOf(files: FileSystem, request: WatchDirRequest, answer: HelperAnswer) {
  if (answer.kind !== 'change') throw new Error('the files helper said what it was not asked');
  const { change, path } = answer;
  if (change === 'lost')
    throw new ConnectError('resource_exhausted', 'more has changed than could be told; watch anew');
  const told = { name: path, type: TYPES[change] };
  if (!request.includeEntry) return told;
  // It may be gone by now.
  const entry = await files.stat(posix.join(request.path, path)).catch(() => undefined);
  return entry ? { ...told, entry: project(entry) } : told;
}

async function within(
  next: Promise<HelperAnswer>,
  waitMs: number,
  late: Deadline,
): Promise<HelperAnswer | 'silence' | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<'silence'>((resolve) => {
    timer = setTimeout(() => resolve('silence'), waitMs);
  });
  try {
    return await Promise.race([next, silence]);
  } catch (error) {
    if (late.passed) return 'late';
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
