/** Pool tasks and seats in the state table. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { LaunchId, SandboxId } from '../../contract/ids.ts';
import type { FreeTask, PoolStore, PoolTask } from '../../core/pool/pool-task.ts';
import type { StateService } from './entities.ts';
import { conditional, plain, transact } from './transact.ts';

type Row = NonNullable<
  Awaited<ReturnType<ReturnType<StateService['entities']['poolTask']['get']>['go']>>['data']
>;

export function dynamoPoolStore(client: DynamoDBDocumentClient, state: StateService): PoolStore {
  const { poolTask, seat } = state.entities;

  /** Its index key has both: an update of one must name the other. */
  const poolOf = async (launchId: LaunchId) => {
    const { data } = await poolTask.get({ launchId }).go({ consistent: true });
    return data?.pool;
  };

  return {
    async get(launchId) {
      const { data } = await poolTask.get({ launchId }).go({ consistent: true });
      return data ? toTask(data) : undefined;
    },

    async seats(pool) {
      const { data } = await seat.query.bySeat({ pool }).go({ pages: 'all', consistent: true });
      return data.map((row) => ({
        seat: row.seat,
        launchId: LaunchId.parse(row.launchId),
        takenAt: row.takenAt,
      }));
    },

    takeSeat(task) {
      const { pool, launchId, launchedAt: takenAt } = task;
      return transact(client, [
        { Put: seat.create({ pool, seat: task.seat, launchId, takenAt }).params() },
        { Put: poolTask.create({ ...task }).params() },
      ] as never);
    },

    async putLaunching(task) {
      await conditional(() => poolTask.create({ ...task }).go());
    },

    async recordLaunch(launchId, taskArn) {
      // A task that stopped at once has no row any more: there is nothing to record.
      const done = await conditional(() => poolTask.patch({ launchId }).set({ taskArn }).go());
      return done !== undefined;
    },

    async markFree(launchId, taskArn, host) {
      const pool = await poolOf(launchId);
      if (pool === undefined) return false;
      const done = await conditional(() =>
        poolTask
          .patch({ launchId })
          .set({ status: 'free', taskArn, host, pool })
          .where(({ status }, { eq }) => eq(status, 'starting'))
          .go(),
      );
      return done !== undefined;
    },

    async giveUp(launchId, only) {
      const pool = await poolOf(launchId);
      if (pool === undefined) return false;
      const from: readonly PoolTask['status'][] = only ? [only] : ['starting', 'free'];
      const done = await conditional(() =>
        poolTask
          .patch({ launchId })
          .set({ status: 'bad', pool })
          .where(({ status }, { eq }) => from.map((each) => eq(status, each)).join(' OR '))
          .go(),
      );
      return done !== undefined;
    },

    async free(pool, { from, limit }) {
      const status = 'free' as const;
      const query = () => poolTask.query.byStatus({ pool, status });
      const { data } = await query().gte({ launchId: from }).go({ limit });
      if (data.length >= limit) return data.map(toFree);
      const rest = await query()
        .lt({ launchId: from })
        .go({ limit: limit - data.length });
      return [...data, ...rest.data].map(toFree);
    },

    async allFree(pool) {
      const { data } = await poolTask.query.byStatus({ pool, status: 'free' }).go({ pages: 'all' });
      return data.map(toFree);
    },

    async remove({ launchId, pool, seat: held }) {
      if (held !== undefined)
        await conditional(() =>
          seat
            .remove({ pool, seat: held })
            .where((row, { eq }) => eq(row.launchId, plain(launchId)))
            .go(),
        );
      await poolTask.delete({ launchId }).go();
    },
  };
}

/** What we wrote is read back as it was; a row of another shape is a bug of ours. */
function toTask(row: Row): PoolTask {
  const { host, ...rest } = row;
  return {
    ...rest,
    launchId: LaunchId.parse(row.launchId),
    ...(row.sandboxId === undefined ? {} : { sandboxId: SandboxId.parse(row.sandboxId) }),
    ...(host === undefined ? {} : { address: { host, network: row.network } }),
  } as PoolTask;
}

const toFree = (row: Row): FreeTask => toTask(row) as FreeTask;
