/** Tenants and keys in the state table; a key's partition is its hash. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { KeyId, TenantId } from '../../contract/ids.ts';
import type { AccountStore, ApiKey } from '../../core/account/account.ts';
import type { StateService } from './entities.ts';
import { conditional, transact } from './transact.ts';

type Row = NonNullable<
  Awaited<ReturnType<ReturnType<StateService['entities']['apiKey']['get']>['go']>>['data']
>;

const toKey = (row: Row): ApiKey => ({
  ...row,
  id: KeyId.parse(row.id),
  tenantId: TenantId.parse(row.tenantId),
});

export function dynamoAccountStore(
  client: DynamoDBDocumentClient,
  state: StateService,
): AccountStore {
  const { tenant, apiKey } = state.entities;
  return {
    async createTenant(newTenant, firstKey) {
      const done = await transact(client, [
        { Put: tenant.create({ ...newTenant }).params() },
        { Put: apiKey.create({ ...firstKey }).params() },
      ] as never);
      if (!done) throw new Error('the id of a new tenant was taken');
    },

    async getTenant(id) {
      const { data } = await tenant.get({ id }).go();
      return data ? { ...data, id: TenantId.parse(data.id) } : undefined;
    },

    async createKey(key) {
      await apiKey.create({ ...key }).go();
    },

    async keyBySha256(sha256) {
      const { data } = await apiKey.get({ sha256 }).go({ consistent: true });
      return data ? toKey(data) : undefined;
    },

    async revokeKey(tenantId, id, at) {
      const { data } = await apiKey.query.byTenant({ tenantId, id }).go();
      const [row] = data;
      if (!row) return undefined;
      const { sha256 } = row;
      const done = await conditional(() =>
        apiKey
          .patch({ sha256 })
          .set({ revokedAt: at })
          .where(({ revokedAt }, { notExists }) => notExists(revokedAt))
          .go(),
      );
      return done ? { ...toKey(row), revokedAt: at } : this.keyBySha256(sha256);
    },
  };
}
