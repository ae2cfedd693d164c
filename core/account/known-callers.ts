/**
 * Callers as the authorizer remembers them, so that most requests read no table. Nobody is
 * remembered longer than `rememberMs`, which is how long a revoked key may still work, nor past the
 * end of their own secret. Who is unknown is not remembered.
 */
import type { Clock } from '../ports.ts';
import type { Authenticated } from './authenticate.ts';
import type { Caller } from './caller.ts';

interface KnownCallersOptions {
  readonly clock: Clock;
  readonly rememberMs: number;
  /** By what `get` is asked for: a hash, never a secret. */
  readonly find: (id: string) => Promise<Authenticated | undefined>;
}

const MAX_REMEMBERED = 10_000;

export class KnownCallers {
  readonly #options: KnownCallersOptions;
  readonly #known = new Map<string, { caller: Caller; untilMs: number }>();

  constructor(options: KnownCallersOptions) {
    this.#options = options;
  }

  /** Is asked for anew. */
  forget(id: string): void {
    this.#known.delete(id);
  }

  async get(id: string): Promise<Caller | undefined> {
    const { clock, rememberMs, find } = this.#options;
    const askedMs = clock.nowMs();
    const remembered = this.#known.get(id);
    if (remembered && remembered.untilMs > askedMs) return remembered.caller;
    this.#known.delete(id);
    const found = await find(id);
    if (!found) return undefined;
    const { caller, validUntil } = found;
    const endMs = validUntil === 'always' ? Number.POSITIVE_INFINITY : clock.msOf(validUntil);
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    // From when it was asked: what the table said may be as old as that.
    this.#known.set(id, { caller, untilMs: Math.min(askedMs + rememberMs, endMs) });
    return caller;
  }
}
