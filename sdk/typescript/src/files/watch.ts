/** A watched directory of a sandbox: what changes in it, as it happens. */
import type { FILE_CHANGES } from '../../../../contract/events.ts';
import { CodeInterpreterError } from '../errors.ts';
import { follow } from '../events/follow.ts';
import type { Api } from '../transport/http.ts';
import { call } from '../transport/retry.ts';

/** One change below a watched directory. */
export interface FileChange {
  readonly type: Exclude<(typeof FILE_CHANGES)[number], 'lost'>;
  /** Relative to the directory; of a `rename`, the name that is gone: the new one is a `create`. */
  readonly path: string;
}

export interface WatchOptions {
  /**
   * With all directories below it, also those to come: 512 at most.
   *
   * @default false
   */
  recursive?: boolean;
  /** Stops it. */
  signal?: AbortSignal;
}

/** A watch that has begun, by {@link Files.watch}. */
export interface FileWatch extends AsyncDisposable {
  /**
   * Resolves when it was stopped, or its directory or sandbox is gone.
   *
   * @throws {@link CodeInterpreterError} `RESOURCE_LIMIT_ERROR` where more has changed than could be told
   * @throws what `onChange` throws
   */
  readonly ended: Promise<void>;
  /** Again, it changes nothing. */
  stop(): Promise<void>;
}

/** Some browsers do not have the symbol yet. */
const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

/** @internal */
export interface Watched {
  readonly sandboxId: string;
  readonly path: string;
  readonly onChange: (change: FileChange) => unknown;
}

/** @internal */
export async function watch(
  api: Api,
  { sandboxId, path, onChange }: Watched,
  { recursive = false, signal }: WatchOptions,
): Promise<FileWatch> {
  const { executionId } = await call(api, 'watchFiles', {
    params: { sandboxId },
    body: { path, recursive },
    idempotencyKey: crypto.randomUUID(),
    signal,
  });
  const reading = new AbortController();
  const ended = tell(api, { executionId, onChange, signal: reading.signal });
  // Whoever waits hears of it.
  ended.catch(() => undefined);
  const stop = async () => {
    if (reading.signal.aborted) return;
    reading.abort();
    await call(api, 'interrupt', { params: { executionId } });
  };
  signal?.addEventListener('abort', () => void stop().catch(() => undefined), { once: true });
  return { ended, stop, [asyncDispose]: stop };
}

interface Telling extends Pick<Watched, 'onChange'> {
  readonly executionId: string;
  readonly signal: AbortSignal;
}

async function tell(api: Api, { executionId, onChange, signal }: Telling): Promise<void> {
  const found = { executionId, first: undefined, way: api.ways.best() };
  const again = async () => ({ ...found, again });
  try {
    for await (const event of follow(api, { ...found, again }, signal)) {
      if (event.type !== 'change') continue;
      const { change: type, path } = event;
      if (type === 'lost')
        throw new CodeInterpreterError(
          'RESOURCE_LIMIT_ERROR',
          'More has changed than could be told: look at the directory, and watch it anew.',
          { details: { executionId } },
        );
      await onChange({ type, path });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
