/** Counts requests by service, action and who signed, so that a test can hold a budget or a grant to them. */
export interface RequestCount {
  readonly service: string;
  readonly action: string;
  /** The function, or the tool, that signed. */
  readonly principal: string;
  readonly count: number;
}

export class RequestCounts {
  readonly #counts = new Map<string, RequestCount>();

  add({ service, action, principal }: Omit<RequestCount, 'count'>): void {
    const key = JSON.stringify([service, action, principal]);
    const count = (this.#counts.get(key)?.count ?? 0) + 1;
    this.#counts.set(key, { service, action, principal, count });
  }

  list(): readonly RequestCount[] {
    return [...this.#counts.values()];
  }

  reset(): void {
    this.#counts.clear();
  }
}
