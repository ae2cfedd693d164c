import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeTimeToLiveCommand, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DynamoDbService } from '../../../local/services/dynamodb/service.ts';
import { declaration, errorOf, startTables, TableName } from './fixture.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tables-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const place = (name: string) => join(folder, name);

describe('tables on disk', () => {
  it('keep their items, indexes and time to live over a restart', async () => {
    const path = place('restart');
    const first = await startTables({ path });
    await first.documents.send(
      new PutCommand({ TableName, Item: { pk: 'a', sk: '1', gpk: 'g', gsk: 1 } }),
    );
    const TimeToLiveSpecification = { Enabled: true, AttributeName: 'ttl' };
    await first.raw.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
    await first.close();

    const second = await startTables({ path });
    const { Items } = await second.documents.send(
      new QueryCommand({
        TableName,
        IndexName: 'by-group',
        KeyConditionExpression: 'gpk = :g',
        ExpressionAttributeValues: { ':g': 'g' },
      }),
    );
    expect(Items).toEqual([{ pk: 'a', sk: '1', gpk: 'g', gsk: 1 }]);
    const { TimeToLiveDescription } = await second.raw.send(
      new DescribeTimeToLiveCommand({ TableName }),
    );
    expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' });
    await second.close();
  });

  it('build an index that a new version of the template adds, and drop one that it removed', async () => {
    const path = place('index');
    const one = new DynamoDbService({ path });
    await one.createTable(declaration);
    for (let i = 0; i < 600; i++) {
      const Item = { pk: { S: 'p' }, sk: { S: `${i}` }, gpk: { S: 'g' }, gsk: { N: `${i}` } };
      await one.call('PutItem', { TableName, Item });
    }
    await one.close();

    const [index] = declaration.GlobalSecondaryIndexes;
    const renamed = { ...declaration, GlobalSecondaryIndexes: [{ ...index, IndexName: 'other' }] };
    const query = (IndexName: string) => ({
      TableName,
      IndexName,
      KeyConditionExpression: 'gpk = :g',
      ExpressionAttributeValues: { ':g': { S: 'g' } },
      Select: 'COUNT',
    });
    const two = new DynamoDbService({ path });
    await two.createTable(renamed);
    await two.createTable(renamed);
    expect(await two.call('Query', query('other'))).toMatchObject({ Count: 600 });
    expect(await errorOf(two.call('Query', query('by-group')))).toMatchObject({ statusCode: 400 });
    expect(await errorOf(two.createTable(declaration))).toMatchObject({
      message: 'Table already exists: state, with other keys or indexes',
    });
    await two.close();
  });

  it('refuse a declaration whose keys are not those of the stored items', async () => {
    const path = place('keys');
    const one = new DynamoDbService({ path });
    await one.createTable(declaration);
    await one.close();
    const two = new DynamoDbService({ path });
    const KeySchema = [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'gsk', KeyType: 'RANGE' },
    ];
    expect((await errorOf(two.createTable({ ...declaration, KeySchema }))).message).toContain(
      'holds items by the key pk (S, HASH), sk (S, RANGE); it is now declared with pk (S, HASH), gsk (N, RANGE)',
    );
    await two.close();
  });

  it('say so when another process holds them', async () => {
    const path = place('held');
    const one = new DynamoDbService({ path });
    await one.createTable(declaration);
    const two = new DynamoDbService({ path });
    expect((await errorOf(two.createTable(declaration))).message).toContain(path);
    await two.close();
    await one.close();
  });

  it('hold each transaction whole or not at all after SIGKILL at any moment', async () => {
    const path = place('killed');
    let acknowledged = 0;
    for (let round = 0; round < 6; round++) {
      const child = fork(new URL('./transfer-process.ts', import.meta.url), [
        path,
        `${acknowledged}`,
      ]);
      child.on('message', (count: number) => {
        acknowledged = count;
      });
      const died = once(child, 'exit');
      const first = await Promise.race([once(child, 'message'), died.then(() => 'died')]);
      expect(first).not.toBe('died');
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
      child.kill('SIGKILL');
      await died;

      const tables = new DynamoDbService({ path });
      await tables.createTable(declaration);
      const counts = await Promise.all(
        ['left', 'right'].map(async (pk) => {
          const Key = { pk: { S: pk }, sk: { S: '1' } };
          const { Item } = (await tables.call('GetItem', { TableName, Key })) as {
            Item: { n: { N: string } };
          };
          return Number(Item.n.N);
        }),
      );
      const rows = (await tables.call('Query', {
        TableName,
        IndexName: 'by-group',
        KeyConditionExpression: 'gpk = :g',
        ExpressionAttributeValues: { ':g': { S: 'rows' } },
        Select: 'COUNT',
      })) as { Count: number };
      await tables.close();
      expect(counts[0]).toBe(counts[1]);
      expect(rows.Count).toBe(counts[0]);
      expect(counts[0]).toBeGreaterThanOrEqual(acknowledged);
      acknowledged = counts[0] ?? 0;
    }
  });
});

describe('time to live', () => {
  it('deletes what is over, and neither the rest nor what expired five years ago', async () => {
    const tables = await startTables({ ttlSweepMs: 20 });
    const TimeToLiveSpecification = { Enabled: true, AttributeName: 'ttl' };
    await tables.raw.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
    const now = Math.floor(Date.now() / 1000);
    const expiries = {
      over: now - 60,
      later: now + 60,
      ancient: now - 6 * 365 * 86_400,
      text: 'x',
    };
    for (const [pk, ttl] of Object.entries(expiries)) {
      await tables.documents.send(new PutCommand({ TableName, Item: { pk, sk: '1', ttl } }));
    }
    const get = async (pk: string) =>
      (await tables.documents.send(new GetCommand({ TableName, Key: { pk, sk: '1' } }))).Item;
    await vi.waitFor(async () => expect(await get('over')).toBeUndefined(), { timeout: 5000 });
    for (const pk of ['later', 'ancient', 'text']) expect(await get(pk)).toBeDefined();
    expect(tables.faults).toEqual([]);
    await tables.close();
  });
});
