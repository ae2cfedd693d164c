/**
 * PutItem, UpdateItem, DeleteItem and BatchWriteItem. A write holds its item's lock from the reading of the condition
 * to the end of the atomic batch that changes the item with all its index entries.
 */
import {
  type BatchOperation,
  createKey,
  type Item,
  validateItem,
  validateKey,
} from 'dynalite/db/index.js';
import type { KeyLocks } from '../shared/key-locks.ts';
import { writeUnit } from './action-store.ts';
import { check, runNow } from './actions.ts';
import { measured, partitionOf } from './capacity.ts';
import type { Conflicts } from './conflicts.ts';
import type { ConsumedUnits } from './consumed-units.ts';
import { invalid, isConditionalCheckFailed } from './errors.ts';
import type { Partitions } from './partitions.ts';
import type { Storage } from './storage.ts';

export interface Tables {
  readonly storage: Storage;
  readonly locks: KeyLocks;
  readonly conflicts: Conflicts;
  readonly partitions: Partitions;
  readonly units: ConsumedUnits;
}

export type WriteName = 'PutItem' | 'UpdateItem' | 'DeleteItem';
export type Input = Readonly<Record<string, unknown>>;

/** A write whose input is checked and whose item is known. */
export interface Write {
  readonly name: WriteName;
  readonly data: Record<string, unknown>;
  readonly table: string;
  readonly itemKey: string;
  readonly lock: string;
  /** Whose throughput it uses. */
  readonly partition: string;
  readonly returnOld: boolean;
}

interface Applied {
  readonly answer: object;
  /** Write units. */
  readonly units: number;
  readonly operations: BatchOperation[];
}

export async function writeItem(tables: Tables, name: WriteName, input: Input): Promise<object> {
  const { storage, locks, conflicts, partitions } = tables;
  const write = prepare(storage, name, input);
  conflicts.assertFree(write.lock);
  partitions.assertLeft('writeUnits', write.partition);
  return locks.run([write.lock], async () => {
    const { answer, operations, units } = apply(storage, write);
    partitions.charge('writeUnits', write.partition, units);
    await storage.commit(operations);
    tables.units.addWrites(operations, 1);
    return answer;
  });
}

export async function batchWriteItem(tables: Tables, input: Input): Promise<object> {
  const { storage, locks } = tables;
  const { RequestItems } = check('BatchWriteItem', input, storage.options) as {
    RequestItems: Record<string, { PutRequest?: { Item: Item }; DeleteRequest?: { Key: Item } }[]>;
  };
  const writes = Object.entries(RequestItems).flatMap(([TableName, requests]) =>
    requests.map(({ PutRequest, DeleteRequest }) =>
      PutRequest
        ? locate(storage, 'PutItem', { TableName, Item: PutRequest.Item })
        : locate(storage, 'DeleteItem', { TableName, Key: DeleteRequest?.Key }),
    ),
  );
  const keys = writes.map((write) => write.lock);
  if (new Set(keys).size < keys.length) {
    throw invalid('Provided list of item keys contains duplicates');
  }
  return locks.run(keys, async () => {
    const operations = writes.flatMap((write) => apply(storage, write).operations);
    await storage.commit(operations);
    tables.units.addWrites(operations, 1);
    return { UnprocessedItems: {} };
  });
}

export function prepare(storage: Storage, name: WriteName, input: Input): Write {
  const { ReturnValuesOnConditionCheckFailure: wanted = 'NONE', ...rest } = input;
  if (wanted !== 'NONE' && wanted !== 'ALL_OLD') {
    throw invalid(
      `1 validation error detected: Value '${String(wanted)}' at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]`,
    );
  }
  const write = locate(storage, name, check(name, rest, storage.options));
  return { ...write, returnOld: wanted === 'ALL_OLD' };
}

/** Where a checked input writes to; refuses a key that does not fit the table. */
function locate(storage: Storage, name: WriteName, data: Record<string, unknown>): Write {
  const { table } = storage.record(data.TableName);
  const source = (name === 'PutItem' ? data.Item : data.Key) as Item;
  const problem = name === 'PutItem' ? validateItem(source, table) : validateKey(source, table);
  if (problem) throw problem;
  const itemKey = createKey(source, table);
  const lock = itemLock(table.TableName, itemKey);
  const partition = partitionOf(table, source);
  return { name, data, table: table.TableName, itemKey, lock, partition, returnOld: false };
}

export function itemLock(table: string, itemKey: string): string {
  return `${table}/${itemKey}`;
}

/** Computes what a write would change. Only for whoever holds its lock. */
export function apply(storage: Storage, write: Write): Applied {
  const unit = writeUnit(storage, write.itemKey);
  try {
    const { answer, units } = measured(write.data, (data) => runNow(write.name, unit.store, data));
    return { answer, units, operations: unit.operations };
  } catch (error) {
    if (write.returnOld && isConditionalCheckFailed(error)) {
      const old = storage.item(write.table, write.itemKey);
      if (old) error.body.Item = old;
    }
    throw error;
  }
}
