/**
 * GetItem, BatchGetItem, Query and Scan. Reads take no lock: a batch shows up whole or not at all, and an index is
 * always in step with its table.
 */
import type { Item } from 'dynalite/db/index.js';
import { readView } from './action-store.ts';
import { check, run, runNow } from './actions.ts';
import type { Storage } from './storage.ts';
import type { Input } from './writes.ts';

export function getItem(storage: Storage, input: Input): object {
  return runNow('GetItem', readView(storage, undefined), check('GetItem', input, storage.options));
}

export async function readMany(
  storage: Storage,
  name: 'BatchGetItem' | 'Query' | 'Scan',
  input: Input,
): Promise<object> {
  const data = check(name, input, storage.options);
  return run(name, readView(storage, data.ExclusiveStartKey as Item | undefined), data);
}
