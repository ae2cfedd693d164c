/**
 * How much one partition key has taken this second. A request is let in while anything is left and charged
 * afterwards, so a large one may overdraw, as on AWS.
 */
import { protocolError } from './errors.ts';

type Kind = 'readUnits' | 'writeUnits';

interface Bucket {
  left: number;
  filledAt: number;
}

/** Buckets that are full again say nothing; they go when there are this many. */
const KEPT = 10_000;

export interface PartitionsOptions {
  readonly limits: Readonly<Record<Kind, number>> | undefined;
  readonly nowMs: () => number;
}

export class Partitions {
  readonly #options: PartitionsOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: PartitionsOptions) {
    this.#options = options;
  }

  /** Throws a throttle when the key has had its share. */
  assertLeft(kind: Kind, partition: string): void {
    if (this.isSpent(kind, partition)) {
      throw protocolError(
        'ThrottlingException',
        'Throughput exceeds the current throughput limit for your table or index: a partition key was used too often.',
      );
    }
  }

  isSpent(kind: Kind, partition: string): boolean {
    return this.#options.limits !== undefined && this.#bucket(kind, partition).left <= 0;
  }

  charge(kind: Kind, partition: string, units: number): void {
    if (this.#options.limits !== undefined) this.#bucket(kind, partition).left -= units;
  }

  #bucket(kind: Kind, partition: string): Bucket {
    const limit = this.#options.limits?.[kind] ?? Infinity;
    const now = this.#options.nowMs();
    const key = `${kind}/${partition}`;
    const bucket = this.#buckets.get(key) ?? { left: limit, filledAt: now };
    bucket.left = Math.min(limit, bucket.left + ((now - bucket.filledAt) / 1000) * limit);
    bucket.filledAt = now;
    if (this.#buckets.size > KEPT) this.#buckets.clear();
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
