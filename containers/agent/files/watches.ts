/**
 * Watched directories whose changes are the events of an execution. Owns when a watch ends: with its directory, when
 * asked, when more changes than can be told, or when nobody has read it for a while. Must never go on as if nothing
 * were missing where changes were lost.
 */
import type { FileWatch, WatchFilesRequest } from '../../../contract/agent/files.ts';
import { AppError } from '../../../contract/errors.ts';
import type { Outcome } from '../../../contract/events.ts';
import type { Execution } from '../executions/execution.ts';
import type { ExecutionRegistry } from '../executions/registry.ts';
import type { Log } from '../log.ts';
import type { FileSystem } from './file-system.ts';
import type { HelperAnswer, HelperRun } from './helper-run.ts';

/** The files helper's own bound. */
const MAX_WATCHED = 512;
const UNREAD_MS = 60_000;

export interface WatchesOptions {
  readonly executions: ExecutionRegistry;
  readonly files: FileSystem;
  readonly log: Log;
  readonly unreadMs?: number;
}

interface Watch {
  readonly execution: Execution;
  readonly run: HelperRun;
  stop?: Outcome;
}

export class Watches {
  readonly #options: WatchesOptions;
  readonly #watches = new Set<Watch>();
  readonly #opened = new WeakMap<Execution, Promise<Watch>>();

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  async start(request: WatchFilesRequest): Promise<FileWatch> {
    await this.#options.executions.openOnce({
      request,
      takesStdin: false,
      opened: this.#opened,
      begin: (execution) => this.#begin(request, execution),
      interrupt: (watch) => this.#stop(watch, 'interrupted'),
    });
    return describe(request);
  }

  /** Ends them all. */
  close(): void {
    for (const watch of this.#watches) this.#stop(watch, 'killed');
  }

  async #begin(request: WatchFilesRequest, execution: Execution): Promise<Watch> {
    const run = this.#options.files.watch(request.path, request.recursive ?? false);
    try {
      refuseUnlessReady(await run.answer());
    } catch (error) {
      run[Symbol.dispose]();
      throw error;
    }
    const watch: Watch = { execution, run };
    this.#watches.add(watch);
    execution.begin();
    execution.started();
    void this.#follow(watch);
    return watch;
  }

  async #follow(watch: Watch): Promise<void> {
    const { execution, run } = watch;
    const beganMs = performance.now();
    const unread = this.#endWhenUnread(watch);
    const outcome = await tellChanges(run, execution).catch((error: unknown) => {
      // One that is stopped loses its helper.
      if (!watch.stop) this.#options.log.error('a watch broke', { error: String(error) });
      return 'error' as const;
    });
    clearInterval(unread);
    run[Symbol.dispose]();
    this.#watches.delete(watch);
    const wallMs = Math.round(performance.now() - beganMs);
    execution.finish({ outcome: watch.stop ?? outcome, exitCode: null, metrics: { wallMs } });
  }

  #endWhenUnread(watch: Watch): NodeJS.Timeout {
    const { executions, unreadMs = UNREAD_MS } = this.#options;
    let wasRead = true;
    return setInterval(() => {
      const isRead = executions.isRead(watch.execution.id);
      if (!isRead && !wasRead) this.#stop(watch, 'killed');
      wasRead = isRead;
    }, unreadMs / 2).unref();
  }

  /** False where it has ended. */
  #stop(watch: Watch, outcome: Outcome): boolean {
    if (!this.#watches.has(watch)) return false;
    watch.stop ??= outcome;
    watch.run[Symbol.dispose]();
    return true;
  }
}

/** The first word of the helper: it watches all that there is, or cannot. */
export function refuseUnlessReady(answer: HelperAnswer): void {
  if (answer.kind === 'ready') return;
  if (answer.kind !== 'change' || answer.change !== 'lost')
    throw new Error('the files helper said what it was not asked');
  throw new AppError(
    'RESOURCE_LIMIT_ERROR',
    `path: has over ${MAX_WATCHED} directories below it, or this machine watches no more; watch fewer`,
    { details: { field: 'path', allowed: MAX_WATCHED }, retryAfterSeconds: 1 },
  );
}

async function tellChanges(run: HelperRun, execution: Execution): Promise<Outcome> {
  for (;;) {
    const answer = await run.later();
    if (answer.kind === 'end') return 'ok';
    if (answer.kind !== 'change') throw new Error('the files helper said what it was not asked');
    const { change, path } = answer;
    if (change !== 'lost' && execution.change(change, path)) continue;
    execution.loseChanges();
    return 'error';
  }
}

const describe = ({ executionId, path, recursive = false }: WatchFilesRequest): FileWatch => ({
  executionId,
  path,
  recursive,
});
