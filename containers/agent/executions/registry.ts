/**
 * The executions of this sandbox by id: starting one is safe to repeat, and what is kept is bounded.
 * Owns how many may run at once. Must never start one id twice.
 */
import { createHash } from 'node:crypto';
import type { StartExecutionRequest, StdinPart } from '../../../contract/agent/protocol.ts';
import { AppError } from '../../../contract/errors.ts';
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
  readonly context: Context;
  readonly digest: string;
  /** The highest that a reader came with. */
  epoch: number;
  /** Cuts the reader that is attached. */
  cut?: (() => void) | undefined;
}

export class ExecutionRegistry {
  readonly #options: RegistryOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  start(request: StartExecutionRequest): Execution {
    const digest = digestOf(request);
    const known = this.#entries.get(request.executionId);
    if (known) {
      if (known.digest === digest) return known.execution;
      throw new AppError(
        'IDEMPOTENCY_CONFLICT',
        `${request.executionId} was started with another body; a new execution needs a new id`,
        { details: { field: 'executionId', value: request.executionId } },
      );
    }
    this.#options.refuseNew();
    const { contexts, store, outputBytes, graceBytes, onSpoolFailure } = this.#options;
    const context = contexts.for(request);
    this.#refuseTooMany(context);
    const { executionId: id, keepStdinOpen = false, limits = {} } = request;
    const execution = new Execution({
      id,
      ...(keepStdinOpen ? { stdin: new LiveStdin(id, request.stdin) } : {}),
      store,
      outputBytes: Math.min(outputBytes, limits.outputBytes ?? outputBytes),
      graceBytes,
      onSpoolFailure,
    });
    context.submit(execution, request);
    this.#entries.set(execution.id, { execution, context, digest, epoch: 0 });
    this.#forgetOldest();
    return execution;
  }

  get(id: string): Execution {
    return this.#entry(id).execution;
  }

  /** False where it has finished already. */
  interrupt(id: string): boolean {
    const { context, execution } = this.#entry(id);
    return context.interrupt(execution);
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

  /** One that only waits for its context is bounded by that context's queue. */
  #refuseTooMany(context: Context): void {
    const { maxRunning } = this.#options;
    const running = this.all().filter((execution) => execution.status === 'running').length;
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
function digestOf(request: StartExecutionRequest): string {
  const env = Object.entries(request.env ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const fields = Object.entries({ ...request, env }).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}
