/** Counts state transitions (states entered, and retries), so that a test can hold a budget to them. */
export interface TransitionCount {
  readonly stateMachine: string;
  readonly state: string;
  readonly count: number;
}

export class TransitionCounts {
  readonly #counts = new Map<string, TransitionCount>();

  add({ stateMachine, state }: Omit<TransitionCount, 'count'>): void {
    const key = JSON.stringify([stateMachine, state]);
    const count = (this.#counts.get(key)?.count ?? 0) + 1;
    this.#counts.set(key, { stateMachine, state, count });
  }

  list(): readonly TransitionCount[] {
    return [...this.#counts.values()];
  }

  reset(): void {
    this.#counts.clear();
  }
}
