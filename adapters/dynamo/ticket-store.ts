/** Tickets in the state table. One conditional delete both checks and uses a ticket. */
import { KeyId, TenantId } from '../../contract/ids.ts';
import type { TicketStore } from '../../core/account/tickets.ts';
import type { StateService } from './entities.ts';
import { conditional } from './transact.ts';

type Row = NonNullable<
  Awaited<ReturnType<ReturnType<StateService['entities']['ticket']['get']>['go']>>['data']
>;

export function dynamoTicketStore(state: StateService): TicketStore {
  const { ticket } = state.entities;
  return {
    async put({ sha256, ...made }) {
      const ttl = Math.ceil(Date.parse(made.expiresAt) / 1000);
      await ticket.create({ ...made, ticket: sha256, ttl }).go();
    },

    async take(sha256, now) {
      const taken = await conditional(() =>
        ticket
          .remove({ ticket: sha256 })
          .where(({ expiresAt }, { gt }) => gt(expiresAt, now))
          .go({ response: 'all_old' }),
      );
      if (!taken?.data) return undefined;
      const { tenantId, keyId, role, expiresAt } = taken.data as Row;
      return {
        sha256,
        tenantId: TenantId.parse(tenantId),
        keyId: KeyId.parse(keyId),
        role,
        expiresAt,
      };
    },
  };
}
