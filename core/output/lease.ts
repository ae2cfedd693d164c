/**
 * A held lease: renews itself at each third of its length, says whether its holder may still write,
 * and aborts when another took it over or it could not be renewed in time.
 */
import type { ExecutionId } from '../../contract/ids.ts';
import { type Lease, NOBODY } from '../execution/execution.ts';
import type { ExecutionStore } from '../execution/execution-store.ts';
import type { Clock } from '../ports.ts';

export interface LeaseDeps {
  readonly executions: Pick<ExecutionStore, 'renewLease'>;
  readonly clock: Clock;
  readonly leaseMs: number;
}

export class HeldLease {
  readonly #deps: LeaseDeps;
  readonly #executionId: ExecutionId;
  readonly #lost = new AbortController();
  readonly #ended = new AbortController();
  readonly #renewing: Promise<void>;
  #lease: Lease;

  constructor(deps: LeaseDeps, executionId: ExecutionId, lease: Lease) {
    this.#deps = deps;
    this.#executionId = executionId;
    this.#lease = lease;
    this.#renewing = this.#keep();
  }

  /** Aborts when the lease is lost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get epoch(): number {
    return this.#lease.epoch;
  }

  /** False in the last third: a write that began then could land after the lease has lapsed. */
  mayWrite(): boolean {
    const { clock, leaseMs } = this.#deps;
    return (
      !this.#lost.signal.aborted && clock.nowMs() < clock.msOf(this.#lease.until) - leaseMs / 3
    );
  }

  /** Ends the renewals; the lease lapses by itself. */
  async end(): Promise<void> {
    this.#ended.abort();
    await this.#renewing;
  }

  /** Ends the renewals and lets the next epoch in at once. */
  async release(): Promise<void> {
    await this.end();
    const { clock, executions } = this.#deps;
    await executions.renewLease(this.#executionId, {
      ...this.#lease,
      until: clock.iso(clock.nowMs() - 1),
    });
  }

  /** Ends the renewals and leaves the log to whoever comes to read it, at the latest at `until`. */
  async leave(until: string): Promise<void> {
    await this.end();
    await this.#deps.executions.renewLease(this.#executionId, {
      ...this.#lease,
      owner: NOBODY,
      until,
    });
  }

  async #keep(): Promise<void> {
    const { clock, leaseMs, executions } = this.#deps;
    while (!this.#ended.signal.aborted && !this.#lost.signal.aborted) {
      await clock.sleep(leaseMs / 3, this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      const renewed = { ...this.#lease, until: clock.iso(clock.nowMs() + leaseMs) };
      try {
        if (await executions.renewLease(this.#executionId, renewed)) this.#lease = renewed;
        else this.#lost.abort();
      } catch {
        // The table did not answer. The next third tries again; after the last one the lease is lost.
        if (clock.nowMs() >= clock.msOf(this.#lease.until)) this.#lost.abort();
      }
    }
  }
}
