/** Tenants and keys in the state table. A secret's hash points to its key; the key says if it works. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { KeyId, TenantId } from '../../contract/ids.ts';
import type { AccountStore } from '../../core/account/account-store.ts';
import { type ApiKey, isStanding } from '../../core/account/api-key.ts';
import type { Tenant } from '../../core/account/tenant.ts';
import { readPage } from './cursor.ts';
import type { StateService } from './entities.ts';
import { claimIdempotency } from './idempotency-store.ts';
import { plain, type TransactItem, transact, transactTelling } from './transact.ts';

type KeyRow = NonNullable<
  Awaited<ReturnType<ReturnType<StateService['entities']['apiKey']['get']>['go']>>['data']
>;
type TenantRow = NonNullable<
  Awaited<ReturnType<ReturnType<StateService['entities']['tenant']['get']>['go']>>['data']
>;

export function dynamoAccountStore(
  client: DynamoDBDocumentClient,
  state: StateService,
): AccountStore {
  const { tenant, apiKey, keySecret } = state.entities;

  const putSecret = (sha256: string, { tenantId, id }: ApiKey) =>
    ({ Put: keySecret.create({ sha256, tenantId, keyId: id }).params() }) as TransactItem;
  const putKey = (key: ApiKey) => [
    { Put: apiKey.create(toRow(key)).params() } as TransactItem,
    putSecret(key.sha256, key),
  ];

  /** Of keys that can make keys and do not expire, the tenant keeps count. */
  const countStanding = (id: TenantId, by: 1 | -1, atLeast: number): TransactItem => ({
    Update: tenant
      .patch({ id })
      .add({ standingKeys: by })
      .where(({ standingKeys }, { gte }) => gte(standingKeys, atLeast))
      .params(),
  });

  return {
    async createTenant(made, firstKey) {
      const row = { ...made, list: 'tenants' as const, standingKeys: 1 };
      const done = await transact(client, [
        { Put: tenant.create(row).params() },
        ...putKey(firstKey),
      ]);
      if (!done) throw new Error('the id of a new tenant was taken');
    },

    async getTenant(id) {
      const { data } = await tenant.get({ id }).go({ consistent: true });
      return data ? toTenant(data) : undefined;
    },

    async listTenants(page) {
      const { data, cursor } = await readPage(page.cursor, 'tenants', (from) =>
        tenant.query
          .all({ list: 'tenants' })
          .go({ order: 'desc', limit: page.limit, cursor: from }),
      );
      return { items: data.map(toTenant), cursor };
    },

    async createKey(key, claim) {
      const failed = await transactTelling(client, [
        ...(claim ? [claimIdempotency(state, claim, key.createdAt)] : []),
        ...putKey(key),
        ...(isStanding(key) ? [countStanding(key.tenantId, 1, 0)] : []),
      ]);
      if (failed.length === 0) return true;
      if (claim && failed[0] === 0) return false;
      throw new Error(`the id of a new key was taken, or tenant ${key.tenantId} is gone`);
    },

    async getKey(tenantId, id) {
      const { data } = await apiKey.get({ tenantId, id }).go({ consistent: true });
      return data ? toKey(data) : undefined;
    },

    async listKeys(tenantId, page) {
      const { data, cursor } = await readPage(page.cursor, `keys/${tenantId}`, (from) =>
        apiKey.query.byTenant({ tenantId }).go({ order: 'desc', limit: page.limit, cursor: from }),
      );
      return { items: data.map(toKey), cursor };
    },

    async ownerOf(sha256) {
      const { data } = await keySecret.get({ sha256 }).go({ consistent: true });
      if (!data) return undefined;
      return { tenantId: TenantId.parse(data.tenantId), keyId: KeyId.parse(data.keyId) };
    },

    async revokeKey(key, at, { evenLast }) {
      const { tenantId, id } = key;
      const [failed] = await transactTelling(client, [
        {
          Update: apiKey
            .patch({ tenantId, id })
            .set({ revokedAt: at })
            .where(({ revokedAt }, { notExists }) => notExists(revokedAt))
            .params(),
        },
        ...(isStanding(key) ? [countStanding(tenantId, -1, evenLast ? 1 : 2)] : []),
      ]);
      if (failed === undefined) return 'revoked';
      return failed === 0 ? 'already' : 'last';
    },

    rotateKey(key, { sha256, at, previousUntil }) {
      const { tenantId, id } = key;
      return transact(client, [
        {
          Update: apiKey
            .patch({ tenantId, id })
            .set({ sha256, rotatedAt: at, previousSha256: key.sha256, previousUntil })
            .where(
              (row, { eq, notExists }) =>
                `${eq(row.sha256, plain(key.sha256))} AND ${notExists(row.revokedAt)}`,
            )
            .params(),
        },
        putSecret(sha256, key),
        {
          Update: keySecret
            .patch({ sha256: key.sha256 })
            .set({ ttl: seconds(previousUntil) })
            .params(),
        },
      ]);
    },
  };
}

const seconds = (iso: string): number => Math.ceil(Date.parse(iso) / 1000);

function toRow({ previous, ...key }: ApiKey) {
  return previous === undefined
    ? key
    : { ...key, previousSha256: previous.sha256, previousUntil: previous.until };
}

function toKey({ previousSha256, previousUntil, ...row }: KeyRow): ApiKey {
  return {
    ...row,
    id: KeyId.parse(row.id),
    tenantId: TenantId.parse(row.tenantId),
    ...(previousSha256 === undefined || previousUntil === undefined
      ? {}
      : { previous: { sha256: previousSha256, until: previousUntil } }),
  };
}

const toTenant = ({ id, name, createdAt, limits }: TenantRow): Tenant => ({
  id: TenantId.parse(id),
  name,
  createdAt,
  limits,
});
