/**
 * GetItem, BatchGetItem, Query and Scan. Reads take no lock: a batch shows up whole or not at all. An index is in step
 * with its table unless it is held back (late-indexes.ts).
 */
import type { Item } from 'dynalite/db/index.js';
import { readView } from './action-store.ts';
import { check, run, runNow } from './actions.ts';
import { measured, partitionOf } from './capacity.ts';
import type { Input, Tables } from './writes.ts';

export function getItem({ storage, partitions, units: consumed }: Tables, input: Input): object {
  const data = check('GetItem', input, storage.options);
  const { table } = storage.record(data.TableName);
  const partition = partitionOf(table, data.Key as Item);
  partitions.assertLeft('readUnits', partition);
  const { answer, units } = measured(data, (asked) =>
    runNow('GetItem', readView(storage, undefined), asked),
  );
  partitions.charge('readUnits', partition, units);
  consumed.addReads(table.TableName, units);
  return answer;
}

export async function readMany(
  { storage, partitions, units: consumed }: Tables,
  name: 'BatchGetItem' | 'Query' | 'Scan',
  input: Input,
): Promise<object> {
  const data = check(name, input, storage.options);
  const view = readView(storage, data.ExclusiveStartKey as Item | undefined);
  if (name !== 'Query') return run(name, view, data);
  const { answer, units } = await measured(data, (asked) => run(name, view, asked));
  const { table } = storage.record(data.TableName);
  consumed.addReads(table.TableName, units);
  const [first] = (answer as { Items?: Item[] }).Items ?? [];
  // What finds nothing says not where it looked, and costs next to nothing.
  if (first === undefined) return answer;
  const partition = partitionOf(table, first, data.IndexName);
  partitions.assertLeft('readUnits', partition);
  partitions.charge('readUnits', partition, units);
  return answer;
}
