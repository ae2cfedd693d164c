/**
 * Take over an execution whose relay is gone: the next epoch, from where the log ends. Asked for by
 * readers, by the pool's minute and by a relay that hands over; of several at once, one wins.
 */
import type { ExecutionId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import { type ExecutionRecord, isReadOnDemand, NOBODY } from '../execution/execution.ts';
import type { ExecutionStore } from '../execution/execution-store.ts';
import type { Clock, Ids } from '../ports.ts';
import { type SandboxRecord, targetOf } from '../sandbox/sandbox.ts';
import type { RelayStarter } from './output-log.ts';
import { type RelayDeps, type RelayEnd, relayOutput } from './relay-output.ts';

export interface TakeOver {
  readonly executionId: ExecutionId;
  readonly epoch: number;
  readonly hop: number;
}

export interface TakenOver {
  readonly end: RelayEnd | 'not_needed';
  /** A chain of any length is no fault where somebody reads for hours. */
  readonly onDemand: boolean;
}

export async function takeOver(
  deps: RelayDeps & { ids: Ids },
  request: TakeOver,
): Promise<TakenOver> {
  const execution = await deps.executions.get(request.executionId);
  const onDemand = execution !== undefined && isReadOnDemand(execution);
  if (execution?.status !== 'running' || execution.lease.epoch !== request.epoch - 1)
    return { end: 'not_needed', onDemand };
  const now = deps.clock.nowMs();
  const lease = {
    owner: deps.ids.owner(),
    epoch: request.epoch,
    until: deps.clock.iso(now + deps.leaseMs),
  };
  if (!(await deps.executions.takeLease(execution.id, lease, deps.clock.iso(now))))
    return { end: 'not_needed', onDemand };
  const [sandbox, last] = await Promise.all([
    deps.sandboxes.get(execution.sandboxId),
    deps.output.lastRow(execution.id),
  ]);
  if (!sandbox?.task) throw new Error(`execution ${execution.id} without a sandbox`);
  const task = {
    execution: { ...execution, lease },
    target: targetOf({ ...sandbox, task: sandbox.task }),
    after: last?.lastSeq ?? 0,
    hop: request.hop,
    watched: true,
  };
  return { end: await relayOutput(deps, task), onDemand };
}

/** True when the relay of a running execution is gone, as far as its lease tells, or none was wanted. */
export const isLapsed = (execution: ExecutionRecord, now: string): boolean =>
  execution.status === 'running' &&
  (execution.lease.until < now || execution.lease.owner === NOBODY);

/**
 * What goes on by itself in a sandbox and has no reader gets a relay: somebody watches all of the sandbox now, or it
 * ends, and what was printed is with its agent alone.
 */
export async function askForUnread(
  deps: {
    readonly executions: Pick<ExecutionStore, 'list'>;
    readonly relays: RelayStarter;
    readonly clock: Clock;
  },
  { id, unread = 0 }: Pick<SandboxRecord, 'id' | 'unread'>,
): Promise<void> {
  const now = deps.clock.iso(deps.clock.nowMs());
  let found = 0;
  for (let cursor: string | undefined; found < unread; ) {
    const page = await deps.executions.list(id, { limit: LIMITS.pageSize.max, cursor });
    const unended = page.items.filter(
      (execution) => execution.status === 'running' && isReadOnDemand(execution),
    );
    await Promise.all(unended.map((execution) => askForRelay(deps.relays, execution, now)));
    found += unended.length;
    if (page.cursor === null) return;
    cursor = page.cursor;
  }
}

/** Whoever finds a lapsed lease asks for the next epoch. */
export async function askForRelay(
  relays: RelayStarter,
  execution: ExecutionRecord,
  now: string,
): Promise<boolean> {
  if (execution.status !== 'running' || !isLapsed(execution, now)) return false;
  await relays.start({ executionId: execution.id, epoch: execution.lease.epoch + 1, hop: 0 });
  return true;
}
