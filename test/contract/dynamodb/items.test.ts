import {
  DescribeTableCommand,
  ListTablesCommand,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, startTables, TableName } from './fixture.ts';

let tables: Awaited<ReturnType<typeof startTables>>;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(async () => {
  await tables.close();
  expect(tables.faults).toEqual([]);
});

const put = (item: Record<string, unknown>, more: object = {}) =>
  tables.documents.send(new PutCommand({ TableName, Item: item, ...more }));
const get = async (pk: string, sk: string) =>
  (await tables.documents.send(new GetCommand({ TableName, Key: { pk, sk } }))).Item;

describe('items', () => {
  it('are put, read, replaced and deleted, with every type kept', async () => {
    const item = {
      pk: 'types',
      sk: '1',
      text: 'ä€😀',
      number: 12.5,
      yes: true,
      nothing: null,
      bytes: new Uint8Array([0, 255, 7]),
      list: [1, 'two', { three: 3 }],
      map: { a: { b: [] } },
      words: new Set(['x', 'y']),
      empty: '',
    };
    await put(item);
    expect(await get('types', '1')).toEqual(item);
    const old = await put({ pk: 'types', sk: '1', v: 2 }, { ReturnValues: 'ALL_OLD' });
    expect(old.Attributes).toEqual(item);
    await tables.documents.send(new DeleteCommand({ TableName, Key: { pk: 'types', sk: '1' } }));
    expect(await get('types', '1')).toBeUndefined();
  });

  it('are updated by expressions, and answer the values asked for', async () => {
    await put({ pk: 'u', sk: '1', state: 'A', v: 1, m: { a: { b: 1 } }, gone: 1 });
    const updated = await tables.documents.send(
      new UpdateCommand({
        TableName,
        Key: { pk: 'u', sk: '1' },
        UpdateExpression:
          'SET #s = :b, m.a.b = m.a.b + :one, l = list_append(if_not_exists(l, :none), :more) ADD v :one REMOVE gone',
        ConditionExpression:
          '(#s IN (:a, :b) OR v BETWEEN :one AND :one) AND begins_with(sk, :sk) AND size(m) = :one AND attribute_type(m, :map) AND NOT contains(sk, :b)',
        ExpressionAttributeNames: { '#s': 'state' },
        ExpressionAttributeValues: {
          ':a': 'A',
          ':b': 'B',
          ':one': 1,
          ':none': [],
          ':more': ['x'],
          ':sk': '1',
          ':map': 'M',
        },
        ReturnValues: 'ALL_NEW',
      }),
    );
    expect(updated.Attributes).toEqual({
      pk: 'u',
      sk: '1',
      state: 'B',
      v: 2,
      m: { a: { b: 2 } },
      l: ['x'],
    });
  });

  it('fail a condition with ConditionalCheckFailedException, which carries the item on request', async () => {
    await put({ pk: 'c', sk: '1', owner: 'first' });
    const condition = { ConditionExpression: 'attribute_not_exists(pk)' };
    const plain = await errorOf(put({ pk: 'c', sk: '1' }, condition));
    expect(plain).toMatchObject({ name: 'ConditionalCheckFailedException' });
    expect(plain).toHaveProperty('Item', undefined);
    const wanted = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
    expect(await errorOf(put({ pk: 'c', sk: '1' }, { ...condition, ...wanted }))).toMatchObject({
      name: 'ConditionalCheckFailedException',
      // The document client leaves exceptions as they came.
      Item: { pk: { S: 'c' }, sk: { S: '1' }, owner: { S: 'first' } },
    });
    const update = new UpdateCommand({
      TableName,
      Key: { pk: 'c', sk: '1' },
      UpdateExpression: 'SET v = :v',
      ConditionExpression: 'v = :v',
      ExpressionAttributeValues: { ':v': 1 },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    expect(await errorOf(tables.documents.send(update))).toMatchObject({
      Item: { owner: { S: 'first' } },
    });
    const missing = { ConditionExpression: 'attribute_exists(pk)', ...wanted };
    const none = await errorOf(put({ pk: 'c', sk: 'none' }, missing));
    expect(none).toMatchObject({ name: 'ConditionalCheckFailedException' });
    expect(none).toHaveProperty('Item', undefined);
  });

  it('go and come in batches, 25 at a time', async () => {
    const items = Array.from({ length: 25 }, (_, i) => ({ pk: 'batch', sk: String(i + 100), i }));
    const requests = items.map((Item) => ({ PutRequest: { Item } }));
    const wrote = await tables.documents.send(
      new BatchWriteCommand({ RequestItems: { [TableName]: requests } }),
    );
    expect(wrote.UnprocessedItems).toEqual({});
    const Keys = items.map(({ pk, sk }) => ({ pk, sk }));
    const read = await tables.documents.send(
      new BatchGetCommand({ RequestItems: { [TableName]: { Keys } } }),
    );
    expect(read.Responses?.[TableName]).toHaveLength(25);
    const doubled = [...requests.slice(0, 2), { DeleteRequest: { Key: Keys[0] } }];
    const error = await errorOf(
      tables.documents.send(new BatchWriteCommand({ RequestItems: { [TableName]: doubled } })),
    );
    expect(error).toMatchObject({ name: 'ValidationException' });
  });

  it('refuse what DynamoDB refuses: reserved words, unused values, wrong keys, over 400 KB', async () => {
    const update = (more: {
      UpdateExpression: string;
      ExpressionAttributeValues: Record<string, number>;
    }) =>
      errorOf(
        tables.documents.send(new UpdateCommand({ TableName, Key: { pk: 'r', sk: '1' }, ...more })),
      );
    const values = { ExpressionAttributeValues: { ':v': 1 } };
    const refused = await Promise.all([
      update({ UpdateExpression: 'SET state = :v', ...values }),
      update({ UpdateExpression: 'SET q = :v', ExpressionAttributeValues: { ':v': 1, ':w': 1 } }),
      update({ UpdateExpression: 'SET pk = :v', ...values }),
      errorOf(put({ pk: 'r' })),
      errorOf(put({ pk: 'r', sk: 1 })),
      errorOf(put({ pk: 'r', sk: '1', pad: 'x'.repeat(410 * 1024) })),
      errorOf(put({ pk: 'r', sk: '1' }, { ReturnValuesOnConditionCheckFailure: 'SOME' })),
    ]);
    for (const error of refused) expect(error).toMatchObject({ name: 'ValidationException' });
    expect(await get('r', '1')).toBeUndefined();
    const elsewhere = tables.documents.send(
      new GetCommand({ TableName: 'nowhere', Key: { pk: 'r', sk: '1' } }),
    );
    expect(await errorOf(elsewhere)).toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('the API', () => {
  it('describes and lists its tables', async () => {
    const { Table } = await tables.raw.send(new DescribeTableCommand({ TableName }));
    expect(Table).toMatchObject({ TableStatus: 'ACTIVE', TableName });
    expect(Table?.TableArn).toBe('arn:aws:dynamodb:us-east-1:000000000000:table/state');
    expect(Table?.CreationDateTime).toBeInstanceOf(Date);
    const { TableNames } = await tables.raw.send(new ListTablesCommand({}));
    expect(TableNames).toEqual([TableName]);
  });

  it('names an operation that it does not serve', async () => {
    const error = await errorOf(tables.raw.send(new UpdateTableCommand({ TableName })));
    expect(error).toMatchObject({ name: 'UnknownOperationException' });
    expect(error.message).toContain('UpdateTable');
  });
});

describe('races', () => {
  it('let exactly one of 50 callers put what must not exist', async () => {
    const tries = await Promise.allSettled(
      Array.from({ length: 50 }, (_, owner) =>
        put({ pk: 'lock', sk: '1', owner }, { ConditionExpression: 'attribute_not_exists(pk)' }),
      ),
    );
    const winners = tries.flatMap((one, owner) => (one.status === 'fulfilled' ? [owner] : []));
    expect(winners).toHaveLength(1);
    expect((await get('lock', '1'))?.owner).toBe(winners[0]);
  });

  it('lose none of 100 concurrent additions', async () => {
    await Promise.all(
      Array.from({ length: 100 }, () =>
        tables.documents.send(
          new UpdateCommand({
            TableName,
            Key: { pk: 'count', sk: '1' },
            UpdateExpression: 'ADD n :one',
            ExpressionAttributeValues: { ':one': 1 },
          }),
        ),
      ),
    );
    expect((await get('count', '1'))?.n).toBe(100);
  });
});
