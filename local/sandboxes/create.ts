/**
 * Chooses what isolates tasks on this machine. Must never choose no isolation by itself.
 */
import type { ImageOptions } from './built-image.ts';
import { BwrapDriver } from './bwrap-driver.ts';
import type { TaskDriver } from './driver.ts';
import { NO_ISOLATION_WARNING, PlainDriver } from './none-driver.ts';
import { probe } from './probe.ts';

export type Isolation = 'auto' | 'bwrap' | 'none';

export interface TaskDriverOptions {
  readonly isolation: Isolation;
  /** Whose runtimes; without isolation always this machine's. @default this machine's */
  readonly images?: ImageOptions;
  /** Holds one folder per running driver; may be shared by several. */
  readonly runDirectory: string;
  /** Gets warnings, and the last words of tasks that end by themselves. */
  readonly log?: (message: string) => void;
}

/** This machine cannot isolate; the message says what to switch on. */
export class IsolationError extends Error {
  override readonly name = 'IsolationError';
}

export async function createTaskDriver(options: TaskDriverOptions): Promise<TaskDriver> {
  const {
    isolation,
    runDirectory,
    log = (message) => process.stderr.write(`${message}\n`),
  } = options;
  if (isolation === 'none') {
    log(NO_ISOLATION_WARNING);
    return PlainDriver.open(runDirectory);
  }
  const result = await probe({ runDirectory, log });
  if (!result.possible) {
    throw new IsolationError(
      `this machine cannot isolate code: ${result.reason}\n  what to do: ${result.remedy}\n  npm run doctor shows every check`,
    );
  }
  if (!result.enforcesLimits) {
    log(`warning: memory and cpu of a sandbox have no limit here (${result.limits})`);
  }
  const { images } = options;
  return BwrapDriver.open({ ...result.options, ...(images === undefined ? {} : { images }) });
}
