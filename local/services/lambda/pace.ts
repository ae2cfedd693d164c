/** How long the next bytes of a streamed response wait: none within the first burst, then as the rate allows. */
export interface PaceOptions {
  readonly burstBytes: number;
  readonly bytesPerSecond: number;
}

export class Pace {
  readonly #options: PaceOptions;
  #bytes = 0;
  /** When what was given out behind the burst has had its time. */
  #paidUntil = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** Counts the bytes, and answers how many milliseconds they wait. */
  waitMs(bytes: number): number {
    const { burstBytes, bytesPerSecond } = this.#options;
    const before = this.#bytes;
    this.#bytes += bytes;
    const slow = this.#bytes - Math.max(before, burstBytes);
    if (slow <= 0) return 0;
    const now = performance.now();
    this.#paidUntil = Math.max(now, this.#paidUntil) + (slow / bytesPerSecond) * 1000;
    return this.#paidUntil - now;
  }
}
