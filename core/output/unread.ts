/**
 * A process goes on for hours, and its relay costs as long as it runs: so it has one only while somebody reads.
 * Readers on the WebSocket are the relay's own audience; those that poll the log say until when they will.
 */
import type { ExecutionRecord } from '../execution/execution.ts';
import type { ExecutionStore } from '../execution/execution-store.ts';
import type { Clock } from '../ports.ts';

export interface UnreadDeps {
  readonly executions: Pick<ExecutionStore, 'get'>;
  readonly clock: Clock;
  readonly leaseMs: number;
}

/** In lease lengths: a reader that is about to come back keeps its relay. */
const LOOK_LEASES = 2;

/** Resolves true once a look has found nobody; false when `until` aborts first. */
export async function untilUnread(
  { executions, clock, leaseMs }: UnreadDeps,
  { id }: ExecutionRecord,
  audience: { readonly isEmpty: boolean },
  until: AbortSignal,
): Promise<boolean> {
  while (!until.aborted) {
    await clock.sleep(LOOK_LEASES * leaseMs, until);
    if (until.aborted) return false;
    if (!audience.isEmpty) continue;
    // A table that does not answer says nothing of readers.
    const record = await executions.get(id).catch(() => undefined);
    if (record && (record.readUntil ?? '') <= clock.iso(clock.nowMs())) return true;
  }
  return false;
}
