/** Uploads and downloads in the state table, for a day, as their objects. */
import type { TransferRecord } from '../../core/files/transfer.ts';
import type { TransferStore } from '../../core/files/transfer-store.ts';
import type { StateService } from './entities.ts';
import { conditional } from './transact.ts';

const KEPT_MS = 24 * 3_600_000;

export function dynamoTransferStore(state: StateService): TransferStore {
  const { transfer } = state.entities;
  return {
    async put(record) {
      const ttl = Math.floor((Date.parse(record.createdAt) + KEPT_MS) / 1000);
      await transfer.create({ ...record, ttl }).go();
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
