/**
 * Which items a transaction works on now, and what DynamoDB answers to who comes in its way: nobody waits for a
 * transaction there.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { modelError } from './errors.ts';

const MESSAGE = 'Transaction is ongoing for the item';

export class Conflicts {
  readonly #transactionMs: (() => number) | undefined;
  readonly #ongoing = new Set<string>();

  constructor(transactionMs: (() => number) | undefined) {
    this.#transactionMs = transactionMs;
  }

  /** Throws where a transaction works on the item. */
  assertFree(lock: string): void {
    if (this.#ongoing.has(lock)) throw modelError('TransactionConflictException', MESSAGE);
  }

  /** Throws where another transaction works on one of the items. */
  assertAllFree(locks: readonly string[]): void {
    if (!locks.some((lock) => this.#ongoing.has(lock))) return;
    throw cancelled(
      locks.map((lock) =>
        this.#ongoing.has(lock)
          ? { Code: 'TransactionConflict', Message: MESSAGE }
          : { Code: 'None' },
      ),
    );
  }

  /** Keeps the items for as long as a transaction takes. */
  async during<T>(
    { locks, token }: { locks: readonly string[]; token: string | undefined },
    work: () => Promise<T>,
  ): Promise<T> {
    if (this.#transactionMs === undefined) return work();
    if (token !== undefined && this.#ongoing.has(token)) {
      const message = 'The transaction with the given request token is already in progress.';
      throw modelError('TransactionInProgressException', message);
    }
    this.assertAllFree(locks);
    const kept = token === undefined ? locks : [...locks, token];
    for (const lock of kept) this.#ongoing.add(lock);
    try {
      await delay(this.#transactionMs());
      return await work();
    } finally {
      for (const lock of kept) this.#ongoing.delete(lock);
    }
  }
}

export interface CancellationReason {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: unknown;
}

export function cancelled(reasons: readonly CancellationReason[]): Error {
  const codes = reasons.map(({ Code }) => Code).join(', ');
  return modelError(
    'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    { CancellationReasons: reasons },
  );
}
