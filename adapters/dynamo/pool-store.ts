/** Pool tasks and seats in the state table. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { LaunchId } from '../../contract/ids.ts';
import type { FreeTask, PoolStore, PoolTask } from '../../core/pool/pool-task.ts';
import type { StateService } from './entities.ts';
import { conditional, plain, transact } from './transact.ts';

export function dynamoPoolStore(client: DynamoDBDocumentClient, state: StateService): PoolStore {
  const { poolTask, seat } = state.entities;
  return {
    async get(launchId) {
      const { data } = await poolTask.get({ launchId }).go({ consistent: true });
      return (data ?? undefined) as PoolTask | undefined;
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
      return transact(client, [
        {
          Put: seat
            .create({
              pool: task.pool,
              seat: task.seat,
              launchId: task.launchId,
              takenAt: task.launchedAt,
            })
            .params(),
        },
        {
          Put: poolTask
            .create({
              launchId: task.launchId,
              pool: task.pool,
              seat: task.seat,
              status: 'starting',
              launchedAt: task.launchedAt,
            })
            .params(),
        },
      ] as never);
    },

    async recordLaunch(launchId, taskArn) {
      // A task that stopped at once has no row any more: there is nothing to record.
      await conditional(() => poolTask.patch({ launchId }).set({ taskArn }).go());
    },

    async markFree(launchId, taskArn, address) {
      const task = await this.get(launchId);
      if (!task) return false;
      const done = await conditional(() =>
        poolTask
          .patch({ launchId })
          .set({ status: 'free', taskArn, address, pool: task.pool })
          .where(({ status }, { eq }) => eq(status, 'starting'))
          .go(),
      );
      return done !== undefined;
    },

    async giveUp(launchId) {
      const task = await this.get(launchId);
      if (!task) return false;
      const done = await conditional(() =>
        poolTask
          .patch({ launchId })
          .set({ status: 'bad', pool: task.pool })
          .where(({ status }, { eq }) => eq(status, 'starting'))
          .go(),
      );
      return done !== undefined;
    },

    async free(pool, limit) {
      const { data } = await poolTask.query.byStatus({ pool, status: 'free' }).go({ limit });
      return data as FreeTask[];
    },

    async remove(task) {
      const { pool } = task;
      await conditional(() =>
        seat
          .remove({ pool, seat: task.seat })
          .where(({ launchId }, { eq }) => eq(launchId, plain(task.launchId)))
          .go(),
      );
      await poolTask.delete({ launchId: task.launchId }).go();
    },
  };
}
