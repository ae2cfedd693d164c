/**
 * Stands up declared tables over what a former run left: the same keys keep their items, indexes that changed are
 * built anew, changed keys are an error. The record goes last, so an interrupted build starts over.
 */
import {
  type BatchOperation,
  createKey,
  getIndexActions,
  type Item,
  type Table,
  type TableIndex,
} from 'dynalite/db/index.js';
import { indexEntry } from './action-store.ts';
import { modelError } from './errors.ts';
import { indexPrefix, itemPrefix, rangeOf, type Storage } from './storage.ts';
import { type Declaration, indexShape, keyShape } from './table-schema.ts';

export async function standUpTable(storage: Storage, wanted: Declaration): Promise<Table> {
  const { TableName } = wanted.table;
  const declared = storage.declared(TableName);
  if (declared && sameShape(declared.table, wanted.table)) return declared.table;
  if (declared) {
    throw modelError(
      'ResourceInUseException',
      `Table already exists: ${TableName}, with other keys or indexes`,
    );
  }
  const former = storage.storedRecord(TableName);
  if (former && keyShape(former.table) !== keyShape(wanted.table)) {
    throw new Error(
      `Table ${TableName} holds items by the key ${keyShape(former.table)}; it is now declared with ${keyShape(wanted.table)}. ` +
        'Give the table another name or remove the stored data.',
    );
  }
  if (former) await rebuildIndexes(storage, former.table, wanted.table);
  const timeToLive = wanted.timeToLive === undefined ? former?.timeToLive : wanted.timeToLive;
  await storage.keepRecord({ table: wanted.table, timeToLive: timeToLive ?? undefined });
  return wanted.table;
}

function sameShape(a: Table, b: Table): boolean {
  const shapes = (table: Table) =>
    indexesOf(table).map((index) => `${index.IndexName} ${indexShape(table, index)}`);
  return keyShape(a) === keyShape(b) && shapes(a).sort().join('\n') === shapes(b).sort().join('\n');
}

async function rebuildIndexes(storage: Storage, former: Table, wanted: Table): Promise<void> {
  const isIn = (table: Table, other: Table) => (index: TableIndex) =>
    indexesOf(other).some(
      (known) =>
        known.IndexName === index.IndexName &&
        indexShape(other, known) === indexShape(table, index),
    );
  const gone = indexesOf(former).filter((index) => !isIn(former, wanted)(index));
  const added = indexesOf(wanted).filter((index) => !isIn(wanted, former)(index));
  for (const index of [...gone, ...added]) {
    await storage.clear(rangeOf(indexPrefix(wanted.TableName, index.IndexName)));
  }
  if (added.length === 0) return;
  for await (const chunk of storage.chunks(rangeOf(itemPrefix(wanted.TableName)))) {
    await storage.commit(chunk.flatMap(([, item]) => entriesOf(wanted, added, item as Item)));
  }
}

function entriesOf(table: Table, indexes: TableIndex[], item: Item): BatchOperation[] {
  const itemKey = createKey(item, table);
  return getIndexActions(indexes, null, item, table).puts.map((put) => ({
    type: 'put',
    key: `${indexPrefix(table.TableName, put.index)}${indexEntry(put.key, itemKey)}`,
    value: put.item,
  }));
}

function indexesOf(table: Table): TableIndex[] {
  return table.GlobalSecondaryIndexes ?? [];
}
