/**
 * Usage in the state table. A day of a key lies in several items: it is counted in transactions,
 * and those that meet at one item cancel each other.
 */
import type { KeyId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { UsageDay, UsageStore } from '../../core/account/usage.ts';
import type { StateService } from './entities.ts';
import type { TransactItem } from './transact.ts';

const SHARDS = 8;
const DAY_SECONDS = 24 * 3_600;

export function dynamoUsageStore(state: StateService): UsageStore {
  return {
    async days(keyId, { from, to }) {
      const { data } = await state.entities.usageDay.query
        .byKey({ keyId })
        // Past the last shard of the last day: shards are single digits.
        .between({ day: from, shard: 0 }, { day: to, shard: SHARDS })
        .go({ pages: 'all' });
      const byDay = Map.groupBy(data, ({ day }) => day);
      return [...byDay].map(([day, shards]) => ({
        day,
        executions: sum(shards, 'executions'),
        executionMs: sum(shards, 'executionMs'),
      }));
    },
  };
}

/** One more item for the transaction that ends an execution. */
export function countExecution(
  state: StateService,
  { keyId, day, wallMs }: { keyId: KeyId; day: string; wallMs: number },
): TransactItem {
  const shard = Math.floor(Math.random() * SHARDS);
  const counted = state.entities.usageDay
    .update({ keyId, day, shard })
    .add({ executions: 1, executionMs: Math.max(0, Math.round(wallMs)) })
    .set({ ttl: Math.floor(Date.parse(day) / 1_000) + LIMITS.usageKeptDays * DAY_SECONDS });
  return { Update: counted.params() };
}

const sum = (
  shards: readonly Omit<UsageDay, 'day'>[],
  name: 'executions' | 'executionMs',
): number => shards.reduce((total, shard) => total + shard[name], 0);
