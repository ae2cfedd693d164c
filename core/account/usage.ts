/**
 * Usage: what each key ran, by day in UTC. An execution is counted in the transaction that ends it,
 * so each is counted once and counting costs no request; what still runs is not in it.
 */
import { AppError } from '../../contract/errors.ts';
import type { KeyId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { Usage } from '../../contract/rest/account.ts';
import type { Clock } from '../ports.ts';
import type { AccountStore } from './account-store.ts';
import type { Caller } from './caller.ts';

export interface UsageDay {
  /** Such as `2026-01-31`. */
  readonly day: string;
  readonly executions: number;
  readonly executionMs: number;
}

export interface UsageStore {
  /** Days with any use, in order; both ends are part of it. */
  days(keyId: KeyId, range: { from: string; to: string }): Promise<UsageDay[]>;
}

const DAY_MS = 24 * 3_600_000;
const DEFAULT_DAYS = 30;

export const dayOf = (iso: string): string => iso.slice(0, 10);

/** A page of keys, each with its days. */
export async function readUsage(
  deps: { accounts: AccountStore; usage: UsageStore; clock: Clock },
  query: {
    from?: string | undefined;
    to?: string | undefined;
    limit?: number | undefined;
    cursor?: string | undefined;
  },
  { tenantId }: Pick<Caller, 'tenantId'>,
): Promise<{ from: string; to: string; items: Usage[]; nextCursor: string | null }> {
  const range = rangeOf(deps.clock, query);
  const { items: keys, cursor } = await deps.accounts.listKeys(tenantId, {
    limit: query.limit ?? LIMITS.pageSize.default,
    cursor: query.cursor,
  });
  const items = await Promise.all(
    keys.map(async ({ id, name }) => ({
      keyId: id,
      keyName: name,
      days: await deps.usage.days(id, range),
    })),
  );
  return { ...range, items, nextCursor: cursor };
}

function rangeOf(clock: Clock, query: { from?: string | undefined; to?: string | undefined }) {
  const to = query.to ?? dayOf(clock.iso(clock.nowMs()));
  const from = query.from ?? dayOf(clock.iso(clock.msOf(to) - (DEFAULT_DAYS - 1) * DAY_MS));
  const days = (clock.msOf(to) - clock.msOf(from)) / DAY_MS + 1;
  if (days >= 1 && days <= LIMITS.usageDays) return { from, to };
  const problem = `must be at most to, and within ${LIMITS.usageDays} days of it, got ${from} to ${to}`;
  throw new AppError('VALIDATION_ERROR', `query: from ${problem}`, {
    details: { in: 'query', problems: [{ field: 'from', problem }] },
  });
}
