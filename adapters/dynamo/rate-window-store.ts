/** Minutes of keys in the state table: one conditional update takes from one. */
import type { WindowStore } from '../../core/account/allowances.ts';
import type { StateService } from './entities.ts';
import { conditional } from './transact.ts';

/** Long past the minute, whoever's clock is behind. */
const KEPT_SECONDS = 3_600;

export function dynamoRateWindowStore(state: StateService): WindowStore {
  return {
    async take({ keyId, minute }, { count, limit }) {
      const taken = await conditional(() =>
        state.entities.rateWindow
          .update({ keyId, minute })
          .add({ taken: count })
          .set({ ttl: minute * 60 + KEPT_SECONDS })
          .where(({ taken }, { notExists, lt }) => `${notExists(taken)} OR ${lt(taken, limit)}`)
          .go(),
      );
      return taken !== undefined;
    },
  };
}
