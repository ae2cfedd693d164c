/** A sandbox as a row of the state table, and back. */
import { LaunchId, SandboxId, TenantId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { SandboxRecord } from '../../core/sandbox/sandbox.ts';
import type { StateService } from './entities.ts';

export type SandboxRow = NonNullable<
  Awaited<ReturnType<ReturnType<StateService['entities']['sandbox']['get']>['go']>>['data']
>;

/** Records are kept for 7 days after their end. */
export const keptUntil = (endedAt: string): number =>
  Math.floor((Date.parse(endedAt) + LIMITS.recordRetentionMs) / 1000);

export function toRow({ task, ...rest }: SandboxRecord) {
  if (!task) return rest;
  const { launchId, taskArn, address } = task;
  return { ...rest, launchId, taskArn, host: address.host };
}

/** What we wrote is read back as it was; a row of another shape is a bug of ours. */
export function toRecord(row: SandboxRow): SandboxRecord {
  const { launchId, taskArn, host, ttl: _, liveState: __, overdueAt: ___, ...rest } = row;
  const task =
    launchId && taskArn && host
      ? {
          task: {
            launchId: LaunchId.parse(launchId),
            taskArn,
            address: { host, network: row.network.access },
          },
        }
      : {};
  const ids = { id: SandboxId.parse(row.id), tenantId: TenantId.parse(row.tenantId) };
  return { ...rest, ...ids, ...task } as SandboxRecord;
}
