/** Unwinds what was set up, last first, each exactly once; one grace for all of it together. */
export class Cleanup {
  readonly #steps: ((graceMs: number) => Promise<unknown>)[] = [];

  add(step: (graceMs: number) => Promise<unknown>): void {
    this.#steps.push(step);
  }

  async run(graceMs: number): Promise<void> {
    const until = performance.now() + graceMs;
    for (const step of this.#steps.splice(0).reverse())
      await step(Math.max(0, until - performance.now()));
  }
}
