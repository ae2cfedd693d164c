/**
 * Ask for an end: the reason first, then the lifecycle's step that waits is told. Nothing is lost
 * whichever comes first: a step that begins to wait later reads the reason itself.
 */
import type { SandboxId } from '../../contract/ids.ts';
import type { EndReason } from '../../contract/rest/sandboxes.ts';
import type { Clock, Lifecycle } from '../ports.ts';
import { stepOverdueAt } from './overdue.ts';
import type { SandboxRecord } from './sandbox.ts';
import type { SandboxStore } from './sandbox-store.ts';

export interface RequestEndDeps {
  readonly sandboxes: SandboxStore;
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
}

/**
 * Answers the record as it then is; undefined when there is none. The first reason stays.
 * @param expiredAt only if its expiry is not after this
 */
export async function requestEnd(
  deps: RequestEndDeps,
  { id, reason, expiredAt }: { id: SandboxId; reason: EndReason; expiredAt?: string },
): Promise<SandboxRecord | undefined> {
  const at = deps.clock.iso(deps.clock.nowMs());
  const record = await deps.sandboxes.requestEnd(id, {
    reason,
    at,
    overdueAt: stepOverdueAt(deps.clock),
    ...(expiredAt === undefined ? {} : { expiredAt }),
  });
  // Told again at each ask: whoever was first may have died before it could tell.
  if (record?.status === 'stopping' && record.lifecycleToken)
    await deps.lifecycle.complete(record.lifecycleToken, { end: true });
  return record;
}
