/** How a sandbox comes to its task in the state table: claims and launches, each one transaction. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { FreeTask } from '../../core/pool/pool-task.ts';
import type {
  Creation,
  CreationOutcome,
  SandboxStore,
  SlotOwner,
} from '../../core/sandbox/sandbox-store.ts';
import type { StateService } from './entities.ts';
import { claimIdempotency } from './idempotency-store.ts';
import { toRow } from './sandbox-rows.ts';
import { conditional, plain, transact, transactTelling } from './transact.ts';

type Creations = Pick<
  SandboxStore,
  'create' | 'takenSlots' | 'claimAnother' | 'place' | 'markRunning'
>;

export function sandboxCreations(client: DynamoDBDocumentClient, state: StateService): Creations {
  const { sandbox, slot, poolTask } = state.entities;
  return {
    create: (creation) => create(client, state, creation),

    async takenSlots(owner) {
      const { data } = await slot.query.bySlot({ owner }).go({ pages: 'all', consistent: true });
      return data.map((row) => row.slot);
    },

    claimAnother(id, failed, task) {
      const { launchId, taskArn, address } = task;
      return transact(client, [
        ...takeTask(state, task, id),
        {
          Update: sandbox
            .patch({ id })
            .set({ launchId, taskArn, host: address.host })
            .where(
              (row, { eq }) =>
                `${eq(row.status, 'creating')} AND ${eq(row.launchId, plain(failed))}`,
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

    place(id, { launchId, taskArn, pool, address: { host } }, times) {
      return transact(client, [
        {
          Update: poolTask
            .patch({ launchId })
            .set({ status: 'claimed', taskArn, host, pool })
            .where(({ status }, { eq }) => eq(status, 'launching'))
            .params(),
        },
        {
          Update: sandbox
            .patch({ id })
            .set({ launchId, taskArn, host, liveState: 'live', ...times })
            .where(
              (row, { eq, notExists }) =>
                `${eq(row.status, 'creating')} AND ${notExists(row.launchId)}`,
            )
            .params(),
        },
      ] as never);
    },

    async markRunning(id, startedAt, overdueAt) {
      const done = await conditional(() =>
        sandbox
          .patch({ id })
          .set({ status: 'running', startedAt, liveState: 'live', overdueAt })
          .remove(['env', 'ownLaunch', 'estimatedReadyAt'])
          .where(({ status }, { eq }) => eq(status, 'creating'))
          .go(),
      );
      return done !== undefined;
    },
  };
}

/** FREE → CLAIMED and its seat given back. */
function takeTask(
  { entities: { poolTask, seat } }: StateService,
  task: FreeTask,
  sandboxId: string,
) {
  const { launchId, pool } = task;
  return [
    {
      Update: poolTask
        .patch({ launchId })
        .set({ status: 'claimed', sandboxId, pool })
        .where(({ status }, { eq }) => eq(status, 'free'))
        .params(),
    },
    {
      Delete: seat
        .remove({ pool, seat: task.seat })
        .where((row, { eq }) => eq(row.launchId, plain(launchId)))
        .params(),
    },
  ];
}

/** A key that is used stands above all else: then nothing more is wanted. */
const REASONS = ['key_used', 'slot_taken', 'deployment_slot_taken', 'task_taken'] as const;

async function create(
  client: DynamoDBDocumentClient,
  state: StateService,
  { sandbox: record, task, idempotency, overdueAt }: Creation,
): Promise<CreationOutcome> {
  const { sandbox, slot } = state.entities;
  const { id, tenantId, createdAt, deploymentSlot } = record;
  const takeSlot = (owner: SlotOwner, number: number) => ({
    Put: slot.create({ owner, slot: number, sandboxId: id }).params(),
  });
  const claims: [CreationOutcome, unknown][] = [['slot_taken', takeSlot(tenantId, record.slot)]];
  if (deploymentSlot !== undefined)
    claims.push(['deployment_slot_taken', takeSlot('deployment', deploymentSlot)]);
  if (idempotency) claims.push(['key_used', claimIdempotency(state, idempotency, createdAt)]);
  if (task) for (const item of takeTask(state, task, id)) claims.push(['task_taken', item]);
  const row = { ...toRow(record), liveState: 'live' as const, overdueAt };
  const put = { Put: sandbox.create(row).params() };
  const failed = await transactTelling(client, [...claims.map(([, item]) => item), put] as never);
  if (failed.length === 0) return 'created';
  const told = failed.map((index) => claims[index]?.[0]);
  const outcome = REASONS.find((each) => told.includes(each));
  if (!outcome) throw new Error('the id of a new sandbox was taken');
  return outcome;
}
