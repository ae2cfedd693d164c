/**
 * Time to live: which attribute of a table holds the expiry, and the sweep that deletes what is over.
 * As on AWS an item may outlive its expiry for a while, and one that expired over five years ago is left alone.
 */
import type { AttributeValue, Item, Table } from 'dynalite/db/index.js';
import { invalid, isConditionalCheckFailed } from './errors.ts';
import { itemPrefix, rangeOf, type Storage } from './storage.ts';
import { type Input, type Tables, writeItem } from './writes.ts';

const FIVE_YEARS_SECONDS = 5 * 365 * 24 * 3600;

export function describeTimeToLive(storage: Storage, input: Input): object {
  const { timeToLive } = storage.record(input.TableName);
  return {
    TimeToLiveDescription: timeToLive
      ? { TimeToLiveStatus: 'ENABLED', AttributeName: timeToLive }
      : { TimeToLiveStatus: 'DISABLED' },
  };
}

export async function updateTimeToLive(storage: Storage, input: Input): Promise<object> {
  const { table } = storage.record(input.TableName);
  const wanted = input.TimeToLiveSpecification;
  if (!isSpecification(wanted)) {
    throw invalid('TimeToLiveSpecification must hold Enabled and AttributeName');
  }
  await storage.keepRecord({
    table,
    timeToLive: wanted.Enabled ? wanted.AttributeName : undefined,
  });
  return { TimeToLiveSpecification: wanted };
}

export async function sweepExpired(tables: Tables, nowMs: number): Promise<void> {
  const now = Math.floor(nowMs / 1000);
  for (const { table, timeToLive } of tables.storage.records) {
    if (timeToLive === undefined) continue;
    for await (const chunk of tables.storage.chunks(rangeOf(itemPrefix(table.TableName)))) {
      for (const [, value] of chunk) {
        const item = value as Item;
        const expiry = item[timeToLive];
        if (expiry && isOver(expiry, now)) await expire(tables, table, item, timeToLive, expiry);
      }
    }
  }
}

function isOver(expiry: AttributeValue, now: number): boolean {
  if (typeof expiry.N !== 'string') return false;
  const seconds = Number(expiry.N);
  return seconds < now && seconds > now - FIVE_YEARS_SECONDS;
}

async function expire(
  tables: Tables,
  table: Table,
  item: Item,
  attribute: string,
  expiry: AttributeValue,
): Promise<void> {
  const Key = Object.fromEntries(
    table.KeySchema.map(({ AttributeName }) => [AttributeName, item[AttributeName]]),
  );
  try {
    await writeItem(tables, 'DeleteItem', {
      TableName: table.TableName,
      Key,
      ConditionExpression: '#expiry = :expiry',
      ExpressionAttributeNames: { '#expiry': attribute },
      ExpressionAttributeValues: { ':expiry': expiry },
    });
  } catch (error) {
    // The item was given a later expiry, or is gone, since the sweep read it.
    if (!isConditionalCheckFailed(error)) throw error;
  }
}

function isSpecification(value: unknown): value is { Enabled: boolean; AttributeName: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'Enabled' in value &&
    typeof value.Enabled === 'boolean' &&
    'AttributeName' in value &&
    typeof value.AttributeName === 'string'
  );
}
