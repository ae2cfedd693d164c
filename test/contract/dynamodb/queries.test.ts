import { DeleteCommand, PutCommand, QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTables, TableName } from './fixture.ts';

let tables: Awaited<ReturnType<typeof startTables>>;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(async () => {
  await tables.close();
  expect(tables.faults).toEqual([]);
});

const put = (item: Record<string, unknown>) =>
  tables.documents.send(new PutCommand({ TableName, Item: item }));

/** Follows LastEvaluatedKey to the end. */
async function pages(command: (start: Record<string, unknown> | undefined) => QueryCommand) {
  const found: Record<string, unknown>[][] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await tables.documents.send(command(start));
    found.push(page.Items ?? []);
    start = page.LastEvaluatedKey;
  } while (start);
  return found;
}

describe('queries', () => {
  beforeAll(async () => {
    for (let i = 0; i < 40; i++) {
      await put({ pk: 'q', sk: String(i).padStart(3, '0'), gpk: i % 2 ? 'odd' : 'even', gsk: i });
    }
  });

  it('read a range forwards and backwards, with filter, limit and pages', async () => {
    const query = (more: object) => (start: Record<string, unknown> | undefined) =>
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :p AND sk BETWEEN :a AND :b',
        ExpressionAttributeValues: { ':p': 'q', ':a': '005', ':b': '024' },
        ExclusiveStartKey: start,
        ...more,
      });
    const forwards = await pages(query({ Limit: 7 }));
    expect(forwards.map((page) => page.length)).toEqual([7, 7, 6]);
    const expected = Array.from({ length: 20 }, (_, i) => i + 5);
    expect(forwards.flat().map((item) => item.gsk)).toEqual(expected);
    const backwards = await pages(query({ Limit: 3, ScanIndexForward: false }));
    expect(backwards.flat().map((item) => item.gsk)).toEqual(expected.toReversed());
    const filtered = await pages(
      query({
        FilterExpression: 'gpk = :odd',
        ExpressionAttributeValues: { ':p': 'q', ':a': '005', ':b': '024', ':odd': 'odd' },
      }),
    );
    expect(filtered.flat()).toHaveLength(10);
  });

  it('read an index in its own order, by pages, and see a change of the key at once', async () => {
    const query = (more: object) => (start: Record<string, unknown> | undefined) =>
      new QueryCommand({
        TableName,
        IndexName: 'by-group',
        KeyConditionExpression: 'gpk = :g',
        ExpressionAttributeValues: { ':g': 'odd' },
        ExclusiveStartKey: start,
        ...more,
      });
    const found = await pages(query({ Limit: 6 }));
    expect(found.flat().map((item) => item.gsk)).toEqual(
      Array.from({ length: 20 }, (_, i) => 2 * i + 1),
    );
    await put({ pk: 'q', sk: '001', gpk: 'even', gsk: 1 });
    await tables.documents.send(new DeleteCommand({ TableName, Key: { pk: 'q', sk: '003' } }));
    const after = await pages(query({ ScanIndexForward: false, Limit: 50 }));
    expect(after.flat().map((item) => item.gsk)).toEqual(
      Array.from({ length: 18 }, (_, i) => 39 - 2 * i),
    );
  });

  it('keep apart any number of items that share one place in an index', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `same-${i}`);
    await Promise.all(names.map((sk) => put({ pk: 'same', sk, gpk: 'same', gsk: 1 })));
    for (const ScanIndexForward of [true, false]) {
      const found = await pages(
        (start) =>
          new QueryCommand({
            TableName,
            IndexName: 'by-group',
            KeyConditionExpression: 'gpk = :g AND gsk = :one',
            ExpressionAttributeValues: { ':g': 'same', ':one': 1 },
            ExclusiveStartKey: start,
            ScanIndexForward,
            Limit: 7,
          }),
      );
      expect(new Set(found.flat().map((item) => item.sk))).toEqual(new Set(names));
      expect(found.flat()).toHaveLength(names.length);
    }
  });

  it('end a page at 1 MB', async () => {
    const pad = 'x'.repeat(100_000);
    for (let i = 0; i < 12; i++) await put({ pk: 'big', sk: String(i).padStart(2, '0'), pad });
    const found = await pages(
      (start) =>
        new QueryCommand({
          TableName,
          KeyConditionExpression: 'pk = :p',
          ExpressionAttributeValues: { ':p': 'big' },
          ExclusiveStartKey: start,
        }),
    );
    expect(found.length).toBeGreaterThan(1);
    expect(found.flat()).toHaveLength(12);
  });

  it('scan every item once over two segments', async () => {
    const found: unknown[] = [];
    for (const Segment of [0, 1]) {
      let start: Record<string, unknown> | undefined;
      do {
        const page = await tables.documents.send(
          new ScanCommand({
            TableName,
            Segment,
            TotalSegments: 2,
            Limit: 25,
            ExclusiveStartKey: start,
          }),
        );
        found.push(...(page.Items ?? []).map((item) => `${item.pk}/${item.sk}`));
        start = page.LastEvaluatedKey;
      } while (start);
    }
    expect(new Set(found).size).toBe(found.length);
    expect(found.filter((key) => String(key).startsWith('same/'))).toHaveLength(60);
  });
});
