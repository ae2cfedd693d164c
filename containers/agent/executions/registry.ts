/**
 * The executions of this sandbox by id: starting one is safe to repeat, and what is kept is bounded.
 * Owns how many may run at once. Must never start one id twice.
 */
import { createHash } from 'node:crypto';
import type {
  StartExecutionRequest,
  StdinPart,
  UserEnv,
} from '../../../contract/agent/protocol.ts';
import { AppError } from '../../../contract/errors.ts';
import type { ExecutionId } from '../../../contract/ids.ts';
import type { Context } from '../contexts/context.ts';
import type { Contexts } from '../contexts/contexts.ts';
import { Execution } from './execution.ts';
import { LiveStdin } from './live-stdin.ts';
import type { SpoolStore } from './spool-store.ts';

/** Of finished executions, so that a late repeat still gets its answer. */
const KEPT_RECORDS = 4_096;

export interface RegistryOptions {
  readonly store: SpoolStore;
  readonly contexts: Contexts;
  readonly maxRunning: number;
  readonly outputBytes: number;
  readonly graceBytes: number;
  /** Throws where nothing new may begin. */
  readonly refuseNew: () => void;
  readonly onSpoolFailure: (error: unknown) => void;
}

interface Entry {
  readonly execution: Execution;
  /** Absent for what is no code, such as a process. */
  readonly context?: Context;
  readonly digest: string;
  /** False where it has finished already. */
  readonly interrupt: () => boolean;
  /** The highest that a reader came with. */
  epoch: number;
  /** Cuts the reader that is attached. */
  cut?: (() => void) | undefined;
}

export interface Opening<T> {
  readonly request: { readonly executionId: ExecutionId; readonly env?: UserEnv | undefined };
  readonly takesStdin: boolean;
  /** What was begun of this kind, by its execution, which is forgotten after a while. */
  readonly opened: WeakMap<Execution, Promise<T>>;
  readonly begin: (execution: Execution) => Promise<T>;
  /** False where it has ended already. */
  readonly interrupt: (begun: T) => boolean;
}

export class ExecutionRegistry {
  readonly #options: RegistryOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  start(request: StartExecutionRequest): Execution {
    const digest = digestOf(request);
    const known = this.#known(request.executionId, digest);
    if (known) return known;
    this.#options.refuseNew();
    const context = this.#options.contexts.for(request);
    this.#refuseTooMany(context);
    const { executionId: id, keepStdinOpen = false, limits = {} } = request;
    const stdin = keepStdinOpen ? new LiveStdin(id, request.stdin) : undefined;
    const { outputBytes } = this.#options;
    const execution = this.#create(id, {
      stdin,
      outputBytes: Math.min(outputBytes, limits.outputBytes ?? outputBytes),
    });
    context.submit(execution, request);
    const interrupt = () => context.interrupt(execution);
    this.#add({ execution, context, digest, interrupt, epoch: 0 });
    return execution;
  }

  /** What is no code, and ends by itself: begun once for a request, however often that comes. */
  async openOnce<T>({ request, takesStdin, opened, begin, interrupt }: Opening<T>): Promise<T> {
    const { executionId: id } = request;
    const digest = digestOf(request);
    const known = this.#known(id, digest);
    const earlier = known && opened.get(known);
    if (earlier) return earlier;
    this.#options.refuseNew();
    const { outputBytes } = this.#options;
    const stdin = takesStdin ? new LiveStdin(id) : undefined;
    // These may go on for ever: one whole run finds room beside them.
    const execution = this.#create(id, { stdin, outputBytes, leftBytes: outputBytes });
    let begun: T | undefined;
    const interruptBegun = () => begun !== undefined && interrupt(begun);
    this.#add({ execution, digest, interrupt: interruptBegun, epoch: 0 });
    const beginning = begin(execution);
    opened.set(execution, beginning);
    try {
      begun = await beginning;
      return begun;
    } catch (error) {
      // It did not begin: its id is free again.
      this.#entries.delete(id);
      await this.#options.store.remove(execution.spool);
      throw error;
    }
  }

  /** @throws {AppError} where the id is of another request */
  #known(id: ExecutionId, digest: string): Execution | undefined {
    const known = this.#entries.get(id);
    if (!known || known.digest === digest) return known?.execution;
    throw new AppError(
      'IDEMPOTENCY_CONFLICT',
      `${id} was started with another body; a new execution needs a new id`,
      { details: { field: 'executionId', value: id } },
    );
  }

  get(id: string): Execution {
    return this.#entry(id).execution;
  }

  /** False where it has finished already. */
  interrupt(id: string): boolean {
    return this.#entry(id).interrupt();
  }

  /** Answers the number of the next part that is wanted. */
  writeStdin(id: string, part: StdinPart): number {
    const { stdin, status } = this.get(id);
    if (stdin && status !== 'finished') return stdin.write(part);
    throw new AppError(
      'INVALID_SANDBOX_STATE',
      stdin
        ? `${id} has finished and reads no more; start another execution`
        : `${id} was started without \`keepStdinOpen\`, so its stdin has ended; start it with \`keepStdinOpen: true\``,
      { details: { executionId: id, status } },
    );
  }

  all(): Execution[] {
    return [...this.#entries.values()].map((entry) => entry.execution);
  }

  /** Whether anybody reads its events at the moment. */
  isRead(id: string): boolean {
    return this.#entries.get(id)?.cut !== undefined;
  }

  /** Takes the execution's events over from the reader that had them; answers how to let go. */
  attach(id: string, epoch: number, cut: () => void): () => void {
    const entry = this.#entry(id);
    if (epoch < entry.epoch)
      throw new AppError(
        'INVALID_SANDBOX_STATE',
        `epoch ${epoch} is over: epoch ${entry.epoch} reads these events; take the lease anew`,
        { details: { field: 'epoch', value: epoch, minimum: entry.epoch } },
      );
    entry.epoch = epoch;
    entry.cut?.();
    entry.cut = cut;
    return () => {
      if (entry.cut === cut) entry.cut = undefined;
    };
  }

  async removeSpool(id: string): Promise<void> {
    const { execution } = this.#entry(id);
    if (execution.status !== 'finished')
      throw new AppError(
        'INVALID_SANDBOX_STATE',
        `${id} is ${execution.status}; its events can be removed once it has finished`,
        { details: { status: execution.status } },
      );
    execution.noteRead();
    await this.#options.store.remove(execution.spool);
  }

  #create(
    id: ExecutionId,
    { stdin, ...bytes }: { stdin: LiveStdin | undefined; outputBytes: number; leftBytes?: number },
  ): Execution {
    const { store, graceBytes, onSpoolFailure } = this.#options;
    const taken = stdin ? { stdin } : {};
    return new Execution({ id, ...taken, ...bytes, store, graceBytes, onSpoolFailure });
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.execution.id, entry);
    this.#forgetOldest();
  }

  /** One that only waits for its context is bounded by that context's queue. */
  #refuseTooMany(context: Context): void {
    const { maxRunning } = this.#options;
    const running = [...this.#entries.values()].filter(
      ({ context, execution }) => context && execution.status === 'running',
    ).length;
    if (!context.idle || running < maxRunning) return;
    throw new AppError(
      'RESOURCE_LIMIT_ERROR',
      `${running} executions run, ${maxRunning} are allowed; wait until one has finished`,
      { details: { limit: 'runningExecutions', value: maxRunning }, retryAfterSeconds: 1 },
    );
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry)
      throw new AppError('EXECUTION_NOT_FOUND', `there is no execution ${id} here`, {
        details: { executionId: id },
      });
    return entry;
  }

  #forgetOldest(): void {
    for (const [id, { execution }] of this.#entries) {
      if (this.#entries.size <= KEPT_RECORDS) return;
      if (execution.status !== 'finished') continue;
      this.#entries.delete(id);
      void this.#options.store.remove(execution.spool);
    }
  }
}

/** Equal for equal requests, whatever the order of names. */
export function digestOf(request: object & { readonly env?: UserEnv | undefined }): string {
  const env = Object.entries(request.env ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const fields = Object.entries({ ...request, env }).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}
