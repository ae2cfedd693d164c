/** Runs at most so many at once, the others in their order: more than a machine can do at once only slow each other. */
export class Turns {
  readonly #atOnce: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const turn = await this.take();
    try {
      return await work();
    } finally {
      turn.end();
    }
  }

  /** A turn that lasts until it is ended, once. */
  async take(): Promise<{ end(): void }> {
    if (this.#running < this.#atOnce) this.#running += 1;
    // Whoever ends hands its turn on.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return {
      end: () => {
        const next = this.#waiting.shift();
        if (next === undefined) this.#running -= 1;
        else next();
      },
    };
  }
}
