/** Executions and their leases in the state table. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { ExecutionId, KeyId, SandboxId, TenantId } from '../../contract/ids.ts';
import { dayOf } from '../../core/account/usage.ts';
import { type ExecutionRecord, NOBODY } from '../../core/execution/execution.ts';
import type { ExecutionStore } from '../../core/execution/execution-store.ts';
import { readPage } from './cursor.ts';
import type { StateService } from './entities.ts';
import { claimIdempotency, releaseIdempotency } from './idempotency-store.ts';
import { putOf } from './output-store.ts';
import { processRecords } from './process-records.ts';
import { keptUntil } from './sandbox-rows.ts';
import { conditional, type TransactItem, transact, transactTelling } from './transact.ts';
import { countExecution } from './usage-store.ts';

type Row = NonNullable<
  Awaited<ReturnType<ReturnType<StateService['entities']['execution']['get']>['go']>>['data']
>;
type Running = Extract<ExecutionRecord, { status: 'running' }>;

/** Which item of the transaction that ends an execution. */
const COUNT_DOWN = 2;

export function dynamoExecutionStore(
  client: DynamoDBDocumentClient,
  state: StateService,
  outputTable: string,
): ExecutionStore {
  const { sandbox, execution } = state.entities;

  const countDown = (id: string) => ({
    Update: sandbox.patch({ id }).add({ runningExecutions: -1 }).params(),
  });

  const countDownUnwatched = (id: string) => ({
    Update: sandbox
      .patch({ id })
      .add({ runningExecutions: -1 })
      .where(({ watched }, { notExists }) => notExists(watched))
      .params(),
  });

  const readToTheEnd = (id: string) => ({
    Update: sandbox.patch({ id }).add({ unread: -1 }).params(),
  });

  const startItems = (record: Running, maxRunning: number) =>
    [
      { Put: execution.create(toRow(record)).params() },
      {
        Update: sandbox
          .patch({ id: record.sandboxId })
          .add({ runningExecutions: 1 })
          .where(
            ({ status, expiresAt, runningExecutions }, { eq, gt, lt }) =>
              `${eq(status, 'running')} AND ${gt(expiresAt, record.createdAt)} AND ${lt(runningExecutions, maxRunning)}`,
          )
          .params(),
      },
    ] as TransactItem[];

  return {
    start: (record, maxRunning) => transact(client, startItems(record, maxRunning)),

    async startOnce(record, maxRunning, claim) {
      const [first] = await transactTelling(client, [
        claimIdempotency(state, claim, record.createdAt),
        ...startItems(record, maxRunning),
      ]);
      if (first === undefined) return 'started';
      return first === 0 ? 'claimed' : 'refused';
    },

    ...processRecords(client, state, toRow),

    async get(id) {
      const { data } = await execution.get({ id }).go({ consistent: true });
      return data ? toRecord(data) : undefined;
    },

    async discard(id, sandboxId, claim) {
      await transact(client, [
        {
          Delete: execution
            .remove({ id })
            .where(({ status }, { eq }) => eq(status, 'running'))
            .params(),
        },
        countDown(sandboxId),
        ...(claim ? [releaseIdempotency(state, claim)] : []),
      ] as never);
    },

    async takeLease(id, lease, now) {
      const done = await conditional(() =>
        execution
          .patch({ id })
          .set({ leaseOwner: lease.owner, leaseEpoch: lease.epoch, leaseUntil: lease.until })
          .where(
            ({ status, leaseEpoch, leaseUntil, leaseOwner }, { eq, lt }) =>
              `${eq(status, 'running')} AND ${eq(leaseEpoch, lease.epoch - 1)} AND (${lt(leaseUntil, now)} OR ${eq(leaseOwner, NOBODY)})`,
          )
          .go(),
      );
      if (done !== undefined) return true;
      // An answer that was lost and asked for again finds its own lease there.
      const { data } = await execution.get({ id }).go({ consistent: true });
      return data?.leaseOwner === lease.owner && data.leaseEpoch === lease.epoch;
    },

    async renewLease(id, lease) {
      const done = await conditional(() =>
        execution
          .patch({ id })
          .set({ leaseOwner: lease.owner, leaseUntil: lease.until })
          .where(
            ({ status, leaseEpoch }, { eq }) =>
              `${eq(status, 'running')} AND ${eq(leaseEpoch, lease.epoch)}`,
          )
          .go(),
      );
      return done !== undefined;
    },

    async finish(id, sandboxId, epoch, end, row, { unlessWatched, uncounted = false }) {
      const { executionCount, exitCode, keyId, ...rest } = end;
      const { metrics, finishedAt } = end;
      const failed = await transactTelling(client, [
        { Put: putOf(outputTable, row, { final: true }) },
        {
          Update: execution
            .patch({ id })
            .set({
              ...rest,
              ...(exitCode === null ? {} : { exitCode }),
              ...(executionCount === undefined ? {} : { executionCount }),
              ttl: keptUntil(end.finishedAt),
            })
            .remove(['leaseState', 'leaseUntil', 'leaseOwner'])
            .where(
              ({ status, leaseEpoch }, { eq }) =>
                `${eq(status, 'running')} AND ${eq(leaseEpoch, epoch)}`,
            )
            .params(),
        },
        uncounted
          ? readToTheEnd(sandboxId)
          : unlessWatched
            ? countDownUnwatched(sandboxId)
            : countDown(sandboxId),
        ...(keyId
          ? [countExecution(state, { keyId, day: dayOf(finishedAt), wallMs: metrics.wallMs })]
          : []),
      ] as TransactItem[]);
      if (failed.length === 0) return 'ended';
      return !uncounted && failed.every((item) => item === COUNT_DOWN) ? 'watched' : 'lost';
    },

    async list(sandboxId, page) {
      const { data, cursor } = await readPage(page.cursor, `executions/${sandboxId}`, (from) =>
        execution.query
          .bySandbox({ sandboxId })
          .go({ order: 'desc', limit: page.limit, cursor: from }),
      );
      return { items: data.map(toRecord), cursor };
    },

    async lapsed(now, limit) {
      const { data } = await execution.query
        .byLease({ leaseState: 'held' })
        .lt({ leaseUntil: now })
        .go({ limit });
      return data.map(toRecord).filter((record): record is Running => record.status === 'running');
    },
  };
}

function toRow(record: Running) {
  const { lease, ...rest } = record;
  return {
    ...rest,
    leaseOwner: lease.owner,
    leaseEpoch: lease.epoch,
    leaseUntil: lease.until,
    leaseState: 'held' as const,
  };
}

/** What we wrote is read back as it was; a row of another shape is a bug of ours. */
function toRecord(row: Row): ExecutionRecord {
  const { leaseOwner, leaseEpoch, leaseUntil, leaseState: _, ttl: __, ...rest } = row;
  const ids = {
    id: ExecutionId.parse(row.id),
    sandboxId: SandboxId.parse(row.sandboxId),
    tenantId: TenantId.parse(row.tenantId),
    ...(row.keyId === undefined ? {} : { keyId: KeyId.parse(row.keyId) }),
  };
  if (row.status === 'running') {
    const lease = { owner: leaseOwner ?? '', epoch: leaseEpoch, until: leaseUntil ?? '' };
    return { ...rest, ...ids, status: 'running', lease } as ExecutionRecord;
  }
  return { ...rest, ...ids, exitCode: row.exitCode ?? null } as ExecutionRecord;
}
