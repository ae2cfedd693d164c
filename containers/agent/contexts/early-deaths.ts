/**
 * Interpreters that die young and of no use to anyone are killed by something: counts them, and
 * says how long to wait before the next. Pure.
 */
const YOUNG_MS = 10_000;
/** So many in a row may be chance. */
const MOST = 1;
/** An execution that comes meanwhile does not wait for it. */
const BACK_OFF = { firstMs: 250, mostMs: 30_000 };

export class EarlyDeaths {
  /** One after the other. */
  #count = 0;

  get trouble(): 'none' | 'some' | 'persistent' {
    if (this.#count <= MOST) return 'none';
    // By then, ending what is nobody's did not help.
    return this.#count > MOST + 2 ? 'persistent' : 'some';
  }

  /** After a death: how long to wait before the next interpreter. */
  next(wasOfUse: boolean, livedMs: number): number {
    this.#count = !wasOfUse && livedMs < YOUNG_MS ? this.#count + 1 : 0;
    const over = this.#count - MOST;
    return over > 0 ? Math.min(BACK_OFF.firstMs * 2 ** (over - 1), BACK_OFF.mostMs) : 0;
  }
}
