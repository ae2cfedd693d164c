/**
 * How many workers may load at once, over all functions: more than there are cores only slow each other down, and
 * an event that waits for a load is often served sooner by a worker that becomes free meanwhile.
 */
import { availableParallelism } from 'node:os';

/** Starts one worker if that is still wanted, and answers whether it did. */
type Launch = () => boolean;

export class StartGate {
  #permits: number;
  readonly #wanting = new Set<Launch>();

  constructor(permits: number = availableParallelism()) {
    this.#permits = permits;
  }

  /** Calls `launch` as often as it starts one, as permits allow; functions take turns. */
  want(launch: Launch): void {
    this.#wanting.add(launch);
    this.#serve();
  }

  /** A worker has loaded, or never will. */
  done(): void {
    this.#permits += 1;
    this.#serve();
  }

  #serve(): void {
    // One that is added again comes last, in this very loop.
    for (const launch of this.#wanting) {
      if (this.#permits === 0) return;
      this.#wanting.delete(launch);
      if (!launch()) continue;
      this.#permits -= 1;
      this.#wanting.add(launch);
    }
  }
}
