/**
 * Events that were written with what they tell of, in one transaction, and are published after it:
 * never bare after a write. One that could not be published is published by the minute's run.
 */
import type { Clock, DomainEvent, EventBus } from '../ports.ts';

export interface OutboxStore {
  /** Events written before `before` that are still to be told. */
  pending(before: string, limit: number): Promise<DomainEvent[]>;
  remove(id: string): Promise<void>;
}

export interface OutboxDeps {
  readonly outbox: OutboxStore;
  readonly bus: EventBus;
}

/** Never rejects: what stays in the outbox is published later. */
export async function publish({ outbox, bus }: OutboxDeps, event: DomainEvent): Promise<boolean> {
  try {
    await bus.publish(event);
    await outbox.remove(event.id);
    return true;
  } catch {
    return false;
  }
}

const AT_ONCE = 100;
/** Whoever wrote a younger one is about to publish it. */
const OWN_TIME_MS = 10_000;

/** Answers how many were published. */
export async function publishLeft(deps: OutboxDeps & { clock: Clock }): Promise<number> {
  const before = deps.clock.iso(deps.clock.nowMs() - OWN_TIME_MS);
  const left = await deps.outbox.pending(before, AT_ONCE);
  const told = await Promise.all(left.map((event) => publish(deps, event)));
  return told.filter(Boolean).length;
}
