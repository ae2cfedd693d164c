/**
 * The two views of the storage that dynalite's actions see: one that reads, and one that reads and keeps what would be
 * written, so that item and index entries go into one atomic batch. An index entry ends with the whole key of its
 * item, since dynalite's own ends with 24 bits of a hash, on which two items could meet.
 */
import {
  type ActionStore,
  type BatchOperation,
  createKey,
  type Item,
  type RangeOptions,
  type SubDatabase,
} from 'dynalite/db/index.js';
import { indexPrefix, itemPrefix, rangeOf, type Storage } from './storage.ts';

/** For one item: reads see the storage, writes are kept in `operations`. */
export interface WriteUnit {
  readonly store: ActionStore;
  readonly operations: BatchOperation[];
}

export function writeUnit(storage: Storage, itemKey: string): WriteUnit {
  const operations: BatchOperation[] = [];
  const keeping = (place: (key: string) => string): Partial<SubDatabase> => ({
    put(key, value, callback) {
      operations.push({ type: 'put', key: place(key), value });
      callback(null);
    },
    del(key, callback) {
      operations.push({ type: 'del', key: place(key) });
      callback(null);
    },
  });
  const store = actionStore(storage, {
    items: (table) => keeping((key) => itemPrefix(table) + key),
    index: (table, index) =>
      keeping((key) => `${indexPrefix(table, index)}${indexEntry(key, itemKey)}`),
  });
  return { store, operations };
}

export function indexEntry(indexKey: string, itemKey: string): string {
  return `${indexKey}/${itemKey}`;
}

/** `startKey` is the request's ExclusiveStartKey, from which a page of an index resumes exactly. */
export function readView(storage: Storage, startKey: Item | undefined): ActionStore {
  return actionStore(storage, {
    items: (table) => ({
      createValueStream: (options) => storage.stream(within(itemPrefix(table), options)),
    }),
    index: (table, index) => ({
      createValueStream(options) {
        const resumed = startKey
          ? resume(options, createKey(startKey, storage.record(table).table))
          : options;
        return storage.stream(within(indexPrefix(table, index), resumed));
      },
    }),
  });
}

interface Places {
  readonly items: (table: string) => Partial<SubDatabase>;
  readonly index: (table: string, index: string) => Partial<SubDatabase>;
}

function actionStore(storage: Storage, places: Places): ActionStore {
  const complete = (place: Partial<SubDatabase>, table: string): SubDatabase => ({
    // Who writes holds the lock of the item already.
    lock: (_key, task) => task((callback) => callback),
    get: (key, callback) => callback(null, storage.item(table, key)),
    put: unexpected,
    del: unexpected,
    createValueStream: unexpected,
    ...place,
  });
  return {
    options: storage.options,
    getTable(name, checkStatus, callback) {
      const answer = typeof checkStatus === 'function' ? checkStatus : callback;
      answer?.(null, storage.record(name).table);
    },
    getItemDb: (table) => complete(places.items(table), table),
    getIndexDb: (_type, table, index) => complete(places.index(table, index), table),
  };
}

function within(prefix: string, options: RangeOptions): RangeOptions {
  const { gt, gte, lt, lte, reverse = false, limit = -1 } = options;
  const whole = rangeOf(prefix);
  return {
    ...(gt !== undefined ? { gt: prefix + gt } : { gte: prefix + (gte ?? '') }),
    ...(lte !== undefined
      ? { lte: prefix + lte }
      : { lt: lt === undefined ? whole.lt : prefix + lt }),
    reverse,
    limit,
  };
}

function resume(options: RangeOptions, itemKey: string): RangeOptions {
  if (options.reverse) {
    return options.lt === undefined ? options : { ...options, lt: indexEntry(options.lt, itemKey) };
  }
  return options.gt === undefined ? options : { ...options, gt: indexEntry(options.gt, itemKey) };
}

function unexpected(): never {
  throw new Error('This action went to the storage by a way that the stand-in does not know');
}
