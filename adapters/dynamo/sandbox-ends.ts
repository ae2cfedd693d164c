/** How a sandbox ends in the state table: the reason once, then stopped with its slot and its event. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { SandboxStore, SlotOwner } from '../../core/sandbox/sandbox-store.ts';
import type { StateService } from './entities.ts';
import { keptUntil, type SandboxRow, toRecord } from './sandbox-rows.ts';
import { conditional, plain, transact } from './transact.ts';

type Ends = Pick<SandboxStore, 'markStopped'> & {
  /** Undefined when an end was asked for before, or its condition failed. */
  requestEnd(
    ...args: Parameters<SandboxStore['requestEnd']>
  ): ReturnType<SandboxStore['requestEnd']>;
};

export function sandboxEnds(client: DynamoDBDocumentClient, state: StateService): Ends {
  const { sandbox, slot, outbox, poolTask } = state.entities;
  return {
    async requestEnd(id, { reason, at, overdueAt, expiredAt }) {
      const done = await conditional(() =>
        sandbox
          .patch({ id })
          .set({
            status: 'stopping',
            endReason: reason,
            endRequestedAt: at,
            liveState: 'live',
            overdueAt,
          })
          .where((row, { notExists, lte }) =>
            expiredAt === undefined
              ? notExists(row.endReason)
              : `${notExists(row.endReason)} AND ${lte(row.expiresAt, expiredAt)}`,
          )
          .go({ response: 'all_new' }),
      );
      return done?.data ? toRecord(done.data as SandboxRow) : undefined;
    },

    markStopped(ended, stoppedAt, event) {
      const { id, tenantId, deploymentSlot, task, ownLaunch } = ended;
      const launchId = task?.launchId ?? ownLaunch;
      const freeSlot = (owner: SlotOwner, number: number) => ({
        Delete: slot
          .delete({ owner, slot: number })
          // One that is not there is free already.
          .where(
            ({ sandboxId }, { eq, notExists }) =>
              `${notExists(sandboxId)} OR ${eq(sandboxId, plain(id))}`,
          )
          .params(),
      });
      return transact(client, [
        {
          Update: sandbox
            .patch({ id })
            .set({ status: 'stopped', stoppedAt, ttl: keptUntil(stoppedAt) })
            .remove(['liveState', 'overdueAt', 'lifecycleToken', 'env'])
            .where(({ status }, { eq }) => eq(status, 'stopping'))
            .params(),
        },
        freeSlot(tenantId, ended.slot),
        ...(deploymentSlot === undefined ? [] : [freeSlot('deployment', deploymentSlot)]),
        { Put: outbox.put({ ...event, state: 'pending' }).params() },
        ...(launchId === undefined ? [] : [{ Delete: poolTask.delete({ launchId }).params() }]),
      ] as never);
    },
  };
}
