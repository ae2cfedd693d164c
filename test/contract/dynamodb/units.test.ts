/** What AWS would bill for a request, as far as the stand-in counts it. */
import {
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startTables, TableName } from './fixture.ts';

let tables: Awaited<ReturnType<typeof startTables>>;
beforeEach(async () => {
  tables = await startTables();
});
afterEach(() => tables.close());

const Key = { pk: 'a', sk: '1' };
const put = (more: object = {}) =>
  tables.documents.send(new PutCommand({ TableName, Item: { ...Key, ...more } }));

it('a write is a unit for each KB, and one for each index that has the item', async () => {
  await put();
  expect(tables.service.units.list()).toEqual([{ table: TableName, readUnits: 0, writeUnits: 1 }]);
  await put({ text: 'x'.repeat(2_000) });
  expect(tables.service.units.list()).toMatchObject([{ writeUnits: 1 + 2 }]);
  tables.service.units.reset();
  await put({ gpk: 'g', gsk: 1 });
  expect(tables.service.units.list()).toMatchObject([{ writeUnits: 2 }]);
  await tables.documents.send(new DeleteCommand({ TableName, Key }));
  expect(tables.service.units.list()).toMatchObject([{ writeUnits: 4 }]);
});

it('in a transaction it is twice as much, and nothing where it is cancelled', async () => {
  const item = (pk: string) => ({
    Put: { TableName, Item: { pk, sk: '1' }, ConditionExpression: 'attribute_not_exists(pk)' },
  });
  const transact = (...names: string[]) =>
    tables.documents.send(new TransactWriteCommand({ TransactItems: names.map(item) }));
  await transact('b', 'c');
  expect(tables.service.units.list()).toMatchObject([{ writeUnits: 4 }]);
  await expect(transact('c', 'd')).rejects.toThrow(/ConditionalCheckFailed/);
  expect(tables.service.units.list()).toMatchObject([{ writeUnits: 4 }]);
});

it('a read is half a unit for each 4 KB, consistent a whole one, and says so only who asks', async () => {
  await put({ text: 'x'.repeat(5_000) });
  tables.service.units.reset();
  const get = (ConsistentRead: boolean) =>
    tables.documents.send(new GetCommand({ TableName, Key, ConsistentRead }));
  expect(await get(false)).not.toHaveProperty('ConsumedCapacity');
  await get(true);
  const query = await tables.documents.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': 'a' },
      ReturnConsumedCapacity: 'TOTAL',
    }),
  );
  expect(query.ConsumedCapacity).toMatchObject({ CapacityUnits: 1 });
  expect(tables.service.units.list()).toEqual([{ table: TableName, readUnits: 4, writeUnits: 0 }]);
});
