/** Events that are still to be told, in the state table. */
import type { OutboxStore } from '../../core/sandbox/outbox.ts';
import type { StateService } from './entities.ts';

export function dynamoOutboxStore({ entities: { outbox } }: StateService): OutboxStore {
  return {
    async pending(before, limit) {
      const { data } = await outbox.query
        .byState({ state: 'pending' })
        .lt({ at: before })
        .go({ limit });
      return data.map(({ id, type, at, detail }) => ({ id, type, at, detail }));
    },

    async remove(id) {
      await outbox.delete({ id }).go();
    },
  };
}
