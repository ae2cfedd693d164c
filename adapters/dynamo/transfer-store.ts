/** Uploads and downloads in the state table, for a day, as their objects. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { TransferRecord } from '../../core/files/transfer.ts';
import type { TransferStore } from '../../core/files/transfer-store.ts';
import type { StateService } from './entities.ts';
import { claimIdempotency } from './idempotency-store.ts';
import { conditional, transactTelling } from './transact.ts';

const KEPT_MS = 24 * 3_600_000;

export function dynamoTransferStore(
  client: DynamoDBDocumentClient,
  state: StateService,
): TransferStore {
  const { transfer } = state.entities;
  return {
    async put(record, claim) {
      const ttl = Math.floor((Date.parse(record.createdAt) + KEPT_MS) / 1000);
      const row = transfer.create({ ...record, ttl });
      if (!claim) {
        await row.go();
        return true;
      }
      const failed = await transactTelling(client, [
        claimIdempotency(state, claim, record.createdAt),
        { Put: row.params() },
      ]);
      if (failed.includes(1)) throw new Error('the id of a new transfer was taken');
      return failed.length === 0;
    },

    async get(id) {
      const { data } = await transfer.get({ id }).go({ consistent: true });
      if (!data) return undefined;
      const { ttl: _, ...record } = data;
      // What we wrote is read back as it was; a row of another shape is a bug of ours.
      return record as TransferRecord;
    },

    async takeLease(id, until, now) {
      const done = await conditional(() =>
        transfer
          .patch({ id })
          .set({ state: 'copying', leaseUntil: until })
          .remove(['error'])
          .where(
            ({ state, leaseUntil }, { ne, notExists, lte }) =>
              `${ne(state, 'done')} AND (${notExists(leaseUntil)} OR ${lte(leaseUntil, now)})`,
          )
          .go(),
      );
      return done !== undefined;
    },

    async renewLease(id, until) {
      await conditional(() =>
        transfer
          .patch({ id })
          .set({ leaseUntil: until })
          .where(({ state }, { eq }) => eq(state, 'copying'))
          .go(),
      );
    },

    async end(id, end) {
      await conditional(() =>
        transfer
          .patch({ id })
          .set(end)
          .remove(['leaseUntil'])
          .where(({ state }, { eq }) => eq(state, 'copying'))
          .go(),
      );
    },
  };
}
