/** The pause in the state table. */
import type { PauseStore } from '../../core/account/pause.ts';
import type { StateService } from './entities.ts';
import { conditional } from './transact.ts';

const OF = 'deployment';

export function dynamoPauseStore(state: StateService): PauseStore {
  const { pause } = state.entities;
  const get: PauseStore['get'] = async () => {
    const { data } = await pause.get({ of: OF }).go({ consistent: true });
    return data ? { pausedAt: data.pausedAt } : undefined;
  };
  return {
    get,

    async begin({ pausedAt }) {
      const done = await conditional(() => pause.create({ of: OF, pausedAt }).go());
      return (done ? undefined : await get()) ?? { pausedAt };
    },

    async end() {
      await pause.delete({ of: OF }).go();
    },
  };
}
