/**
 * The first brake: a token bucket for each key, in the memory of one authorizer. It costs nothing
 * and it is not exact: with several authorizers at work a key has several buckets. What must hold
 * whoever counts is held by {@link Allowances}.
 */

/** A key may save up this many seconds of its rate, and spend them at once. */
const BURST_SECONDS = 2;
const MAX_BUCKETS = 10_000;

/** Counted in thousandths, of which a rate gives a whole number each ms: sums stay exact. */
const TOKEN = 1_000;

export class TokenBuckets {
  readonly #buckets = new Map<string, { level: number; atMs: number }>();

  /** Takes a token: 0, or how many ms there is none. */
  take(id: string, { perSecond, nowMs }: { perSecond: number; nowMs: number }): number {
    const full = perSecond * BURST_SECONDS * TOKEN;
    const { level, atMs } = this.#buckets.get(id) ?? { level: full, atMs: nowMs };
    const now = Math.min(full, level + Math.max(0, nowMs - atMs) * perSecond);
    const waitMs = now >= TOKEN ? 0 : Math.ceil((TOKEN - now) / perSecond);
    // Emptied at once rather than one by one: each key then begins with a full bucket.
    if (this.#buckets.size >= MAX_BUCKETS) this.#buckets.clear();
    this.#buckets.set(id, { level: waitMs === 0 ? now - TOKEN : now, atMs: nowMs });
    return waitMs;
  }
}
