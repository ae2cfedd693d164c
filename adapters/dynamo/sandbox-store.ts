/** Sandboxes in the state table. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { SandboxId, TenantId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { FreeTask } from '../../core/pool/pool-task.ts';
import type { SandboxRecord } from '../../core/sandbox/sandbox.ts';
import type { SandboxStore } from '../../core/sandbox/sandbox-store.ts';
import { readPage } from './cursor.ts';
import type { StateService } from './entities.ts';
import { conditional, plain, transact } from './transact.ts';

type Row = NonNullable<
  Awaited<ReturnType<ReturnType<StateService['entities']['sandbox']['get']>['go']>>['data']
>;

export function dynamoSandboxStore(
  client: DynamoDBDocumentClient,
  state: StateService,
): SandboxStore {
  const { sandbox, poolTask, seat } = state.entities;

  const takeTask = (task: FreeTask, sandboxId: string) => [
    {
      Update: poolTask
        .patch({ launchId: task.launchId })
        .set({ status: 'claimed', sandboxId, pool: task.pool })
        .where(({ status }, { eq }) => eq(status, 'free'))
        .params(),
    },
    {
      Delete: seat
        .remove({ pool: task.pool, seat: task.seat })
        .where(({ launchId }, { eq }) => eq(launchId, plain(task.launchId)))
        .params(),
    },
  ];

  return {
    async get(id) {
      const { data } = await sandbox.get({ id }).go({ consistent: true });
      return data ? toRecord(data) : undefined;
    },

    claim(record, task, overdueAt) {
      return transact(client, [
        ...takeTask(task, record.id),
        { Put: sandbox.create({ ...toRow(record), liveState: 'live', overdueAt }).params() },
      ] as never);
    },

    claimAnother(id, failed, task) {
      return transact(client, [
        ...takeTask(task, id),
        {
          Update: sandbox
            .patch({ id })
            .set({ launchId: task.launchId, taskArn: task.taskArn, address: task.address })
            .where(
              ({ status, launchId }, { eq }) =>
                `${eq(status, 'creating')} AND ${eq(launchId, plain(failed))}`,
            )
            .params(),
        },
        {
          Update: poolTask
            .patch({ launchId: failed })
            .set({ status: 'bad', pool: task.pool })
            .params(),
        },
      ] as never);
    },

    async markRunning(id, startedAt, overdueAt) {
      const done = await conditional(() =>
        sandbox
          .patch({ id })
          .set({ status: 'running', startedAt, overdueAt })
          .where(({ status }, { eq }) => eq(status, 'creating'))
          .go(),
      );
      return done !== undefined;
    },

    async requestEnd(id, reason) {
      const done = await conditional(() =>
        sandbox
          .patch({ id })
          .set({ status: 'stopping', endReason: reason })
          .where(({ endReason }, { notExists }) => notExists(endReason))
          .go({ response: 'all_new' }),
      );
      return done?.data ? toRecord(done.data as Row) : this.get(id);
    },

    markStopped(id, launchId, stoppedAt) {
      return transact(client, [
        {
          Update: sandbox
            .patch({ id })
            .set({ status: 'stopped', stoppedAt, ttl: keptUntil(stoppedAt) })
            .remove(['liveState', 'overdueAt'])
            .where(({ status }, { ne }) => ne(status, 'stopped'))
            .params(),
        },
        { Delete: poolTask.delete({ launchId }).params() },
      ] as never);
    },

    async overdue(now, limit) {
      const { data } = await sandbox.query
        .byOverdue({ liveState: 'live' })
        .lt({ overdueAt: now })
        .go({ limit });
      return data.map(toRecord);
    },

    async list(tenantId, page) {
      const { data, cursor } = await readPage(page.cursor, `sandboxes/${tenantId}`, (from) =>
        sandbox.query.byTenant({ tenantId }).go({ order: 'desc', limit: page.limit, cursor: from }),
      );
      return { items: data.map(toRecord), cursor };
    },
  };
}

/** Records are kept for 7 days after their end. */
export const keptUntil = (endedAt: string): number =>
  Math.floor((Date.parse(endedAt) + LIMITS.recordRetentionMs) / 1000);

function toRow(record: SandboxRecord) {
  const { task, ...rest } = record;
  return { ...rest, launchId: task.launchId, taskArn: task.taskArn, address: task.address };
}

/** What we wrote is read back as it was; a row of another shape is a bug of ours. */
function toRecord(row: Row): SandboxRecord {
  const { launchId, taskArn, address, ttl: _, liveState: __, overdueAt: ___, ...rest } = row;
  return {
    ...rest,
    id: SandboxId.parse(row.id),
    tenantId: TenantId.parse(row.tenantId),
    task: { launchId, taskArn, address },
  } as SandboxRecord;
}
