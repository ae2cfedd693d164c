/** What profile `aws` asks of callers of DynamoDB, seen by the SDK: conflicts, indexes that lag, partitions that are full. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactGetCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import type { DynamoDbOptions } from '../../../local/services/dynamodb/service.ts';
import { errorOf, startTables, TableName } from './fixture.ts';

async function tablesThat(options: DynamoDbOptions) {
  const tables = await startTables(options);
  return Object.assign(tables, { [Symbol.asyncDispose]: () => tables.close() });
}

const key = (pk: string) => ({ TableName, Key: { pk, sk: '1' } });
const put = (pk: string, more: object = {}) => ({ TableName, Item: { pk, sk: '1', ...more } });
const add = (pk: string) => ({
  ...key(pk),
  UpdateExpression: 'ADD n :one',
  ExpressionAttributeValues: { ':one': 1 },
});

describe('an item in a transaction', () => {
  const behaviour = { transactionMs: () => 300 };
  const transact = (...pks: string[]) =>
    new TransactWriteCommand({ TransactItems: pks.map((pk) => ({ Update: add(pk) })) });
  const reasons = (error: Error) =>
    (error as Error & { CancellationReasons?: { Code?: string }[] }).CancellationReasons?.map(
      ({ Code }) => Code,
    );

  it('refuses another write while it lasts, and takes it afterwards', async () => {
    await using tables = await tablesThat({ behaviour });
    const { documents } = tables;
    const first = documents.send(transact('a', 'b'));
    const read = () =>
      errorOf(documents.send(new TransactGetCommand({ TransactItems: [{ Get: key('b') }] })));
    await expect.poll(async () => read().then(reasons, () => [])).toEqual(['TransactionConflict']);
    const single = await errorOf(documents.send(new UpdateCommand(add('a'))));
    const other = await errorOf(documents.send(transact('c', 'b')));
    expect(single.name).toBe('TransactionConflictException');
    expect(other.name).toBe('TransactionCanceledException');
    expect(reasons(other)).toEqual(['None', 'TransactionConflict']);
    // A plain read sees what was before.
    expect((await documents.send(new GetCommand(key('a')))).Item).toBeUndefined();
    await first;
    await documents.send(new UpdateCommand(add('a')));
    expect((await documents.send(new GetCommand(key('a')))).Item).toMatchObject({ n: 2 });
    expect((await documents.send(new GetCommand(key('c')))).Item).toBeUndefined();
  });

  it('of the same token is told to be under way, which the SDK waits out', async () => {
    await using tables = await tablesThat({ behaviour });
    const { documents } = tables;
    const again = () =>
      documents.send(
        new TransactWriteCommand({
          ClientRequestToken: 'token',
          TransactItems: [{ Update: add('a') }],
        }),
      );
    const [first, second] = await Promise.allSettled([again(), again()]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ reason: { name: 'TransactionInProgressException' } });
    await again();
    expect((await documents.send(new GetCommand(key('a')))).Item).toMatchObject({ n: 1 });
  });
});

describe('an index', () => {
  const inGroup = (
    documents: Awaited<ReturnType<typeof startTables>>['documents'],
    group: string,
  ) =>
    documents.send(
      new QueryCommand({
        TableName,
        IndexName: 'by-group',
        KeyConditionExpression: 'gpk = :g',
        ExpressionAttributeValues: { ':g': group },
      }),
    );

  it('shows a change late, and the last of many changes in the end', async () => {
    const lags = [1000, 5, 400, 0, 20];
    await using tables = await tablesThat({
      behaviour: { indexLagMs: () => lags.shift() ?? 300 },
    });
    const { documents } = tables;
    for (let n = 0; n < 6; n++)
      await documents.send(new PutCommand(put('a', { gpk: n % 2 ? 'odd' : 'even', gsk: n })));
    expect((await documents.send(new GetCommand(key('a')))).Item).toMatchObject({ gsk: 5 });
    expect((await inGroup(documents, 'odd')).Items).toEqual([]);
    await expect
      .poll(async () => (await inGroup(documents, 'odd')).Items, { timeout: 10_000 })
      .toMatchObject([{ pk: 'a', gsk: 5 }]);
    expect((await inGroup(documents, 'even')).Items).toEqual([]);
  });

  it('catches up after a stop', async () => {
    const path = await mkdtemp(join(tmpdir(), 'late-'));
    const behaviour = { indexLagMs: () => 60_000 };
    {
      await using tables = await tablesThat({ path, behaviour });
      await tables.documents.send(new PutCommand(put('a', { gpk: 'g', gsk: 1 })));
      expect((await inGroup(tables.documents, 'g')).Items).toEqual([]);
    }
    await using tables = await tablesThat({ path, behaviour });
    expect((await inGroup(tables.documents, 'g')).Items).toMatchObject([{ pk: 'a' }]);
    await tables.close();
    await rm(path, { recursive: true });
  });
});

describe('a partition key', () => {
  const behaviour = { partition: { writeUnits: 10, readUnits: 10 } };
  const kilobytes = (n: number) => 'x'.repeat(n * 1024 - 100);

  it('that has had its share throttles, also in a transaction, and another does not', async () => {
    let now = Date.now();
    await using tables = await tablesThat({ behaviour, now: () => now });
    const { documents } = tables;
    await documents.send(new PutCommand(put('hot', { text: kilobytes(12) })));
    expect((await errorOf(documents.send(new PutCommand(put('hot'))))).name).toBe(
      'ThrottlingException',
    );
    const inTransaction = await errorOf(
      documents.send(new TransactWriteCommand({ TransactItems: [{ Put: put('hot') }] })),
    );
    expect(inTransaction).toMatchObject({ CancellationReasons: [{ Code: 'ThrottlingError' }] });
    await documents.send(new PutCommand(put('cool')));
    now += 1000;
    await documents.send(new PutCommand(put('hot')));
  });

  it('pays for what is read, a consistent read double', async () => {
    const now = Date.now();
    await using tables = await tablesThat({
      behaviour: { partition: { writeUnits: 1000, readUnits: 10 } },
      now: () => now,
    });
    const { documents } = tables;
    await documents.send(new PutCommand(put('hot', { text: kilobytes(40) })));
    const read = { ...key('hot'), ConsistentRead: true };
    await documents.send(new GetCommand(read));
    expect((await errorOf(documents.send(new GetCommand(read)))).name).toBe('ThrottlingException');
    const { ConsumedCapacity } = await documents.send(
      new PutCommand({ ...put('hot'), ReturnConsumedCapacity: 'TOTAL' }),
    );
    expect(ConsumedCapacity?.CapacityUnits).toBeGreaterThan(30);
  });
});
