/**
 * The second brake, for creating sandboxes and executing code: what a key may start in a minute,
 * over all instances of all functions. One row for a key and minute counts what was given out.
 *
 * An instance takes a block of starts from the row and spends it from memory, so that most requests
 * ask no table; what it does not spend lapses with the minute. A row belongs to one key, so a tenant
 * with many keys has no hot one.
 */
import { AppError } from '../../contract/errors.ts';
import type { KeyId } from '../../contract/ids.ts';
import type { Clock } from '../ports.ts';
import type { Caller } from './caller.ts';

export interface WindowStore {
  /** Gives `count` out of a minute of a key; false where its `limit` was reached before. */
  take(
    window: { keyId: KeyId; minute: number },
    amount: { count: number; limit: number },
  ): Promise<boolean>;
}

const MINUTE_MS = 60_000;
const SECONDS = 60;
/** Small against the limit, since each of many instances may leave a block unspent. */
const BLOCKS = 240;
const MAX_REMEMBERED = 10_000;

interface Block {
  readonly minute: number;
  left: number;
  /** The minute is used up: no need to ask again before the next. */
  readonly isLast: boolean;
}

export class Allowances {
  readonly #deps: { readonly clock: Clock; readonly windows: WindowStore };
  readonly #blocks = new Map<KeyId, Block>();

  constructor(deps: { readonly clock: Clock; readonly windows: WindowStore }) {
    this.#deps = deps;
  }

  /** @throws {AppError} RATE_LIMITED until the minute is over */
  async take({ keyId, limits }: Pick<Caller, 'keyId' | 'limits'>): Promise<void> {
    const nowMs = this.#deps.clock.nowMs();
    const minute = Math.floor(nowMs / MINUTE_MS);
    const limit = limits.requestsPerSecond * SECONDS;
    const inHand = this.#blocks.get(keyId);
    if (inHand?.minute === minute && inHand.left > 0) {
      inHand.left -= 1;
      return;
    }
    const isUsedUp = inHand?.minute === minute && inHand.isLast;
    const count = Math.max(1, Math.floor(limit / BLOCKS));
    const taken = !isUsedUp && (await this.#deps.windows.take({ keyId, minute }, { count, limit }));
    if (this.#blocks.size >= MAX_REMEMBERED) this.#blocks.clear();
    this.#blocks.set(keyId, { minute, left: taken ? count - 1 : 0, isLast: !taken });
    if (!taken) throw limited(keyId, limit, (minute + 1) * MINUTE_MS - nowMs);
  }
}

function limited(keyId: KeyId, allowed: number, waitMs: number): AppError {
  const retryAfterSeconds = Math.ceil(waitMs / 1_000);
  return new AppError(
    'RATE_LIMITED',
    `Key ${keyId} may create sandboxes and execute code ${allowed} times a minute. Try again in ${retryAfterSeconds} s.`,
    { details: { keyId, allowed, perSeconds: SECONDS }, retryAfterSeconds },
  );
}
