/**
 * `CreateWatcher`, `GetWatcherEvents` and `RemoveWatcher` of the E2B filesystem service: a watch that is asked instead of
 * heard. Owns the watchers of a sandbox and what waits in each. Must never hold more than its bound, nor go on as if
 * nothing were missing.
 */
import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import type { HelperRun } from '../files/helper-run.ts';
import { refuseUnlessReady } from '../files/watches.ts';
import type { Sandbox } from '../sandbox.ts';
import { type ConnectMethod, unary } from './connect.ts';
import { ConnectError } from './connect-errors.ts';
import { changeOf, WatchDirRequest } from './watch.ts';

const MAX_EVENTS = 10_000;
/** As JSON: a path may have thousands of bytes, and comes with its entry where that is asked for. */
const MAX_BYTES = 4 * 1024 * 1024;
/** One that nobody asks any more ends. */
const UNASKED_MS = 3_600_000;

const WatcherRequest = z.object({ watcherId: z.string().check(z.maxLength(64)) });

interface Watcher {
  readonly run: HelperRun;
  events: object[];
  bytes: number;
  /** What ended it. */
  end?: unknown;
  unasked: NodeJS.Timeout;
}

class Watchers {
  readonly #watchers = new Map<string, Watcher>();

  async create({ files }: Sandbox, request: WatchDirRequest): Promise<string> {
    const run = files.watch(request.path, request.recursive);
    try {
      refuseUnlessReady(await run.answer());
    } catch (error) {
      run[Symbol.dispose]();
      throw error;
    }
    const id = randomUUID();
    const unasked = setTimeout(() => this.remove(id), UNASKED_MS).unref();
    const watcher: Watcher = { run, events: [], bytes: 0, unasked };
    this.#watchers.set(id, watcher);
    void keep(files, request, watcher);
    return id;
  }

  /** Each is told once. */
  take(id: string): object[] {
    const watcher = this.#watchers.get(id);
    if (!watcher) throw new ConnectError('not_found', `there is no watcher ${id}; create one`);
    watcher.unasked.refresh();
    const { events, end } = watcher;
    watcher.events = [];
    watcher.bytes = 0;
    if (events.length === 0 && end !== undefined) throw end;
    return events;
  }

  /** Again, it changes nothing. */
  remove(id: string): void {
    const watcher = this.#watchers.get(id);
    clearTimeout(watcher?.unasked);
    watcher?.run[Symbol.dispose]();
    this.#watchers.delete(id);
  }
}

async function keep(
  files: Sandbox['files'],
  request: WatchDirRequest,
  watcher: Watcher,
): Promise<void> {
  try {
    for (;;) {
      const answer = await watcher.run.later();
      if (answer.kind === 'end') throw new ConnectError('not_found', 'the directory is gone');
      const change = await changeOf(files, request, answer);
      watcher.bytes += Buffer.byteLength(JSON.stringify(change));
      if (watcher.events.length === MAX_EVENTS || watcher.bytes > MAX_BYTES)
        throw new ConnectError('resource_exhausted', 'more has changed than was asked for');
      watcher.events.push(change);
    }
  } catch (error) {
    watcher.end = error;
    watcher.run[Symbol.dispose]();
  }
}

const ofSandbox = new WeakMap<Sandbox, Watchers>();

function watchersOf(sandbox: Sandbox): Watchers {
  const watchers = ofSandbox.get(sandbox) ?? new Watchers();
  ofSandbox.set(sandbox, watchers);
  return watchers;
}

export const WATCHER_METHODS: Readonly<Record<string, ConnectMethod>> = {
  '/filesystem.Filesystem/CreateWatcher': unary(WatchDirRequest, async (sandbox, request) => {
    sandbox.state.refuseWhenDraining();
    return { watcherId: await watchersOf(sandbox).create(sandbox, request) };
  }),
  '/filesystem.Filesystem/GetWatcherEvents': unary(
    WatcherRequest,
    async (sandbox, { watcherId }) => ({ events: watchersOf(sandbox).take(watcherId) }),
  ),
  '/filesystem.Filesystem/RemoveWatcher': unary(WatcherRequest, async (sandbox, { watcherId }) => {
    watchersOf(sandbox).remove(watcherId);
    return {};
  }),
};
