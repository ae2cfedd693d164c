/** Connections and subscriptions in the state table. Both go by themselves a while after two hours. */
import { ExecutionId, SandboxId, TenantId } from '../../contract/ids.ts';
import { SOCKET_LIMITS } from '../../contract/socket/limits.ts';
import { Delivery } from '../../contract/socket/to-server.ts';
import type { ConnectionStore } from '../../core/socket/connection.ts';
import type {
  Subscription,
  SubscriptionKey,
  SubscriptionStore,
} from '../../core/socket/subscription.ts';
import type { StateService } from './entities.ts';
import { conditional } from './transact.ts';

type Row = NonNullable<
  Awaited<ReturnType<ReturnType<StateService['entities']['subscription']['get']>['go']>>['data']
>;

const KEY = ['sandboxId', 'target', 'connectionId'] as const;
const SLACK_MS = 10 * 60_000;
const keptUntil = () => Math.ceil((Date.now() + SOCKET_LIMITS.connectionMs + SLACK_MS) / 1000);
/** The key alone: what else an object has must not become part of it. */
const keyOf = ({ sandboxId, target, connectionId }: SubscriptionKey) => ({
  sandboxId,
  target,
  connectionId,
});

export function dynamoConnectionStore(state: StateService): ConnectionStore {
  const { connection, subscription } = state.entities;
  const remove: ConnectionStore['remove'] = async (connectionId) => {
    const { data } = await subscription.query
      .byConnection({ connectionId })
      .go({ pages: 'all', attributes: [...KEY] });
    await Promise.all(data.map((row) => subscription.delete(toKey(row)).go()));
    await connection.delete({ id: connectionId }).go();
  };
  return {
    remove,

    async removeOfKey(tenantId, keyId) {
      const { data } = await connection.query
        .byTenant({ tenantId })
        .go({ pages: 'all', attributes: ['id', 'keyId'] });
      const own = data.filter((row) => row.keyId === keyId);
      await Promise.all(own.map(({ id }) => remove(id)));
    },

    async put(made) {
      await connection.put({ ...made, ttl: keptUntil() }).go();
    },

    async countOf(tenantId) {
      const { data } = await connection.query
        .byTenant({ tenantId })
        .go({ pages: 'all', attributes: ['id'] });
      return data.length;
    },
  };
}

export function dynamoSubscriptionStore(state: StateService): SubscriptionStore {
  const { subscription, sandbox } = state.entities;
  return {
    async put(row) {
      await subscription.put({ ...row, ttl: keptUntil() }).go();
      await conditional(() =>
        sandbox
          .patch({ id: row.sandboxId })
          .set({ watched: true })
          .where(({ watched }, { notExists }) => notExists(watched))
          .go(),
      );
    },

    async admit(row) {
      await conditional(() => subscription.create({ ...row, ttl: keptUntil() }).go());
    },

    async get(key) {
      const { data } = await subscription.get(keyOf(key)).go({ consistent: true });
      return data ? toSubscription(data) : undefined;
    },

    async keys(sandboxId, connectionId) {
      const [ofSandbox, ofConnection] = await Promise.all([
        subscription.query.bySandbox({ sandboxId }).go({ pages: 'all', attributes: [...KEY] }),
        subscription.query
          .byConnection({ connectionId })
          .go({ pages: 'all', attributes: [...KEY] }),
      ]);
      return { ofSandbox: ofSandbox.data.map(toKey), ofConnection: ofConnection.data.map(toKey) };
    },

    async watching(sandboxId, executionId) {
      const { data } = await subscription.query
        .bySandbox({ sandboxId })
        .go({ pages: 'all', consistent: true });
      return data
        .filter(({ target }) => target === sandboxId || target === executionId)
        .map(toSubscription);
    },

    async acknowledge(key, seq, ackId) {
      const done = await conditional(() =>
        subscription
          .patch(keyOf(key))
          .set({ acked: seq, ackId })
          .where(({ acked }, { lt }) => lt(acked, seq))
          .go(),
      );
      return done !== undefined;
    },

    async update(key, change) {
      const done = await conditional(() =>
        subscription
          .patch(keyOf(key))
          .set(change)
          .where(({ version }, { eq }) => eq(version, key.version))
          .go(),
      );
      return done !== undefined;
    },

    async resume(key, to) {
      const done = await conditional(() =>
        subscription
          .patch(keyOf(key))
          .set({ ...to, mode: 'push' })
          .go(),
      );
      return done !== undefined;
    },

    async remove(key, ofVersion) {
      if (ofVersion === undefined) await subscription.delete(keyOf(key)).go();
      else
        await conditional(() =>
          subscription
            .delete(keyOf(key))
            .where(({ version }, { eq }) => eq(version, ofVersion))
            .go(),
        );
    },
  };
}

const toKey = (row: Pick<Row, (typeof KEY)[number]>): SubscriptionKey => ({
  connectionId: row.connectionId,
  sandboxId: SandboxId.parse(row.sandboxId),
  target: row.target.startsWith('ex') ? ExecutionId.parse(row.target) : SandboxId.parse(row.target),
});

/** What we wrote is read back as it was; a row of another shape is a bug of ours. */
function toSubscription(row: Row): Subscription {
  const { ackId, owedBytes } = row;
  return {
    ...toKey(row),
    tenantId: TenantId.parse(row.tenantId),
    delivery: Delivery.parse(row.delivery),
    version: row.version,
    mode: row.mode,
    after: row.after,
    acked: row.acked,
    ...(owedBytes === undefined ? {} : { owedBytes }),
    ...(ackId === undefined ? {} : { ackId }),
  };
}
