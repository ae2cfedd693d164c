/**
 * Holds back what changes in indexes, as global secondary indexes follow their table. What is held lies beside the
 * items in the same atomic batch, so that a killed process loses none of it. Two changes of one entry keep their order.
 */
import type { BatchOperation } from 'dynalite/db/index.js';

const PREFIX = 'late/';
const INDEX = 'index/';

interface Held {
  readonly key: string;
  readonly operations: readonly BatchOperation[];
  readonly dueAt: number;
}

export interface LateIndexesOptions {
  readonly lagMs: () => number;
  readonly commit: (operations: readonly BatchOperation[]) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** All that a former run held. */
export const lateRange = { gte: PREFIX, lt: `${PREFIX}~` };

export class LateIndexes {
  readonly #options: LateIndexesOptions;
  /** In the order in which they came. */
  #held: Held[] = [];
  /** When the last change of an entry is due. */
  readonly #dueAt = new Map<string, number>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #applying: Promise<void> = Promise.resolve();

  constructor(options: LateIndexesOptions) {
    this.#options = options;
  }

  /** What is to be written now in place of these. */
  hold(operations: readonly BatchOperation[]): readonly BatchOperation[] {
    const late = operations.filter(({ key }) => key.startsWith(INDEX));
    if (late.length === 0) return operations;
    const dueAt = Math.max(
      performance.now() + this.#options.lagMs(),
      ...late.map(({ key }) => this.#dueAt.get(key) ?? 0),
    );
    for (const { key } of late) this.#dueAt.set(key, dueAt);
    this.#count += 1;
    const key = `${PREFIX}${String(this.#count).padStart(12, '0')}`;
    this.#held.push({ key, operations: late, dueAt });
    this.#wake();
    return [
      ...operations.filter((operation) => !operation.key.startsWith(INDEX)),
      { type: 'put', key, value: late },
    ];
  }

  /** Writes all that is held, due or not. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#applying;
    await this.#apply(Infinity);
  }

  #wake(): void {
    if (this.#timer !== undefined || this.#held.length === 0) return;
    const next = Math.min(...this.#held.map(({ dueAt }) => dueAt));
    this.#timer = setTimeout(
      () => {
        this.#applying = this.#apply(performance.now())
          .catch(this.#options.onError)
          .finally(() => {
            this.#timer = undefined;
            this.#wake();
          });
      },
      Math.max(1, next - performance.now()),
    ).unref();
  }

  async #apply(now: number): Promise<void> {
    const due = this.#held.filter(({ dueAt }) => dueAt <= now);
    this.#held = this.#held.filter(({ dueAt }) => dueAt > now);
    for (const { operations, dueAt } of due)
      for (const { key } of operations) if (this.#dueAt.get(key) === dueAt) this.#dueAt.delete(key);
    await this.#options.commit(
      due.flatMap(({ key, operations }) => [...operations, { type: 'del', key } as const]),
    );
  }
}
