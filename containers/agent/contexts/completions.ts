/**
 * Questions to a context's interpreter about what could stand in code, one at a time, between its runs.
 * Owns how long one may take. Must never end an interpreter that answers an interrupt: its state is worth
 * more than a completion.
 *
 *   after 3 s   → SIGINT, to the driver alone: it gives up and answers
 *   after 5 s   → whoever asked hears DEADLINE_EXCEEDED
 *   after 10 s  → SIGKILL: an interpreter that hears nothing would hold up the next run for ever
 */
import type { CompleteRequest, Completion } from '../../../contract/agent/completion.ts';
import { AppError } from '../../../contract/errors.ts';
import type { Kernel } from '../kernels/kernel.ts';

const PATIENCE_MS = { interrupt: 3_000, answer: 5_000, kill: 10_000 } as const;
/** Whoever types asks again at each letter. */
const WAITING = 8;

export class Completions {
  readonly #contextId: string;
  readonly #kernel: () => Promise<Kernel>;
  #waiting = 0;
  /** Once the interpreter is free of all that was asked until now. */
  settled: Promise<unknown> = Promise.resolve();

  constructor(contextId: string, kernel: () => Promise<Kernel>) {
    this.#contextId = contextId;
    this.#kernel = kernel;
  }

  /** @param isFree whether nothing of the context runs or waits */
  async ask(request: CompleteRequest, isFree: () => boolean): Promise<Completion> {
    if (!isFree()) throw this.#busy();
    if (this.#waiting >= WAITING)
      throw new AppError(
        'RESOURCE_LIMIT_ERROR',
        `${WAITING} completions wait for this context already; ask again when one was answered`,
        { details: { limit: 'completions', value: WAITING }, retryAfterSeconds: 1 },
      );
    this.#waiting += 1;
    const late = { isNow: false };
    const tooLate = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.isNow = true;
      tooLate.reject(tooSlow());
    }, PATIENCE_MS.answer);
    const answered = this.settled.then(() => {
      if (!isFree()) throw this.#busy();
      return this.#answer(request, late);
    });
    this.settled = answered.then(
      ({ free }) => free,
      () => undefined,
    );
    void this.settled.finally(() => {
      this.#waiting -= 1;
    });
    const completion = answered.then((answer) => answer.completion);
    return Promise.race([completion, tooLate.promise]).finally(() => clearTimeout(timer));
  }

  /** What was found; and `free`, once the interpreter is done with it, which may be later. */
  async #answer(request: CompleteRequest, late: { readonly isNow: boolean }) {
    // Nobody waits for it any more.
    if (late.isNow) throw tooSlow();
    const kernel = await this.#kernel();
    if (late.isNow) throw tooSlow();
    const { code, cursor = code.length } = request;
    const asked = kernel.complete({ code, cursor: Math.min(cursor, code.length) });
    const interrupt = setTimeout(() => kernel.interruptAlone(), PATIENCE_MS.interrupt);
    const kill = setTimeout(() => kernel.kill(), PATIENCE_MS.kill);
    const free = asked.finally(() => {
      clearTimeout(interrupt);
      clearTimeout(kill);
    });
    const completion = free.then((found) => {
      if (found) return found;
      throw new AppError('AGENT_UNREACHABLE', 'the interpreter has ended: ask again', {
        retryAfterSeconds: 1,
      });
    });
    return { free, completion };
  }

  #busy(): AppError {
    return new AppError(
      'INVALID_SANDBOX_STATE',
      `context ${this.#contextId} runs something; ask again once it is idle`,
      { details: { contextId: this.#contextId, status: 'busy' } },
    );
  }
}

function tooSlow(): AppError {
  return new AppError('DEADLINE_EXCEEDED', `code: not completed within ${PATIENCE_MS.answer} ms`);
}
