import { randomUUID } from 'node:crypto';
import { GetCommand, TransactGetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, startTables, TableName } from './fixture.ts';

let tables: Awaited<ReturnType<typeof startTables>>;
let clock = Date.now();
beforeAll(async () => {
  tables = await startTables({ now: () => clock });
});
afterAll(async () => {
  await tables.close();
  expect(tables.faults).toEqual([]);
});

type Steps = NonNullable<ConstructorParameters<typeof TransactWriteCommand>[0]['TransactItems']>;
const transact = (TransactItems: Steps, ClientRequestToken?: string) =>
  tables.documents.send(new TransactWriteCommand({ TransactItems, ClientRequestToken }));
const get = async (pk: string, sk = '1') =>
  (await tables.documents.send(new GetCommand({ TableName, Key: { pk, sk } }))).Item;
const put = (pk: string, more: object = {}) => ({
  Put: { TableName, Item: { pk, sk: '1', ...more } },
});
const add = (pk: string, amount = 1) => ({
  Update: {
    TableName,
    Key: { pk, sk: '1' },
    UpdateExpression: 'ADD n :n',
    ExpressionAttributeValues: { ':n': amount },
  },
});

describe('a write transaction', () => {
  it('puts, updates, deletes and checks as one', async () => {
    await transact([put('a', { n: 1 }), put('b')]);
    await transact([
      add('a'),
      { Delete: { TableName, Key: { pk: 'b', sk: '1' } } },
      put('c'),
      {
        ConditionCheck: {
          TableName,
          Key: { pk: 'd', sk: '1' },
          ConditionExpression: 'attribute_not_exists(pk)',
        },
      },
    ]);
    expect([await get('a'), await get('b'), await get('c'), await get('d')]).toEqual([
      { pk: 'a', sk: '1', n: 2 },
      undefined,
      { pk: 'c', sk: '1' },
      undefined,
    ]);
  });

  it('does nothing when one condition fails, and gives a reason for each step', async () => {
    await transact([put('e', { owner: 'first' })]);
    const taken = put('e', { owner: 'second' });
    const error = await errorOf(
      transact([
        put('f'),
        {
          Put: {
            ...taken.Put,
            ConditionExpression: 'attribute_not_exists(pk)',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          },
        },
        {
          Update: {
            TableName,
            Key: { pk: 'g', sk: '1' },
            UpdateExpression: 'SET v = elsewhere',
          },
        },
      ]),
    );
    expect(error).toMatchObject({
      name: 'TransactionCanceledException',
      message:
        'Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ValidationError]',
      CancellationReasons: [
        { Code: 'None' },
        {
          Code: 'ConditionalCheckFailed',
          Message: 'The conditional request failed',
          Item: { pk: { S: 'e' }, sk: { S: '1' }, owner: { S: 'first' } },
        },
        { Code: 'ValidationError' },
      ],
    });
    expect([await get('f'), (await get('e'))?.owner]).toEqual([undefined, 'first']);
  });

  it('refuses two steps on one item, none, more than 100 and a step that is two', async () => {
    const many = Array.from({ length: 101 }, (_, i) => put(`many-${i}`));
    const check = { TableName, Key: { pk: 'h', sk: '1' }, ConditionExpression: '' };
    for (const steps of [
      [put('h'), add('h')],
      [],
      many,
      [{ ...put('h'), ...add('h') }],
      [{ ConditionCheck: check }],
    ]) {
      expect(await errorOf(transact(steps))).toMatchObject({ name: 'ValidationException' });
    }
    expect(await get('h')).toBeUndefined();
    await transact(many.slice(1));
    expect(await get('many-100')).toBeDefined();
  });

  it('runs once for a client token, for ten minutes, and refuses other input under it', async () => {
    const token = randomUUID();
    await transact([add('i')], token);
    await transact([add('i')], token);
    expect((await get('i'))?.n).toBe(1);
    expect(await errorOf(transact([add('i', 5)], token))).toMatchObject({
      name: 'IdempotentParameterMismatchException',
    });
    clock += 10 * 60_000;
    await transact([add('i')], token);
    expect((await get('i'))?.n).toBe(2);
    const both = randomUUID();
    await Promise.all([transact([add('i')], both), transact([add('i')], both)]);
    expect((await get('i'))?.n).toBe(3);
  });

  it('is never seen half done, whatever else runs', async () => {
    await transact([put('x', { n: 0 }), put('y', { n: 0 })]);
    const running = new AbortController();
    const seen: unknown[] = [];
    const reader = (async () => {
      while (!running.signal.aborted) {
        const { Responses } = await tables.documents.send(
          new TransactGetCommand({
            TransactItems: ['x', 'y'].map((pk) => ({ Get: { TableName, Key: { pk, sk: '1' } } })),
          }),
        );
        seen.push(Responses?.[0]?.Item?.n - Responses?.[1]?.Item?.n);
      }
    })();
    await Promise.all(Array.from({ length: 60 }, () => transact([add('y'), add('x')])));
    running.abort();
    await reader;
    expect(new Set(seen)).toEqual(new Set([0]));
    expect((await get('x'))?.n).toBe(60);
  });

  it('lets one of 50 rivals through, and the reasons say which item was taken', async () => {
    const tries = await Promise.allSettled(
      Array.from({ length: 50 }, (_, owner) => {
        const Item = { pk: 'slot', sk: '1', owner };
        const ConditionExpression = 'attribute_not_exists(pk)';
        return transact([{ Put: { TableName, Item, ConditionExpression } }, put(`owner-${owner}`)]);
      }),
    );
    const winners = tries.flatMap((one, owner) => (one.status === 'fulfilled' ? [owner] : []));
    expect(winners).toHaveLength(1);
    const losers = tries.filter((one) => one.status === 'rejected');
    for (const { reason } of losers) {
      const codes = reason.CancellationReasons.map((entry: { Code: string }) => entry.Code);
      expect(codes).toEqual(['ConditionalCheckFailed', 'None']);
    }
    expect(await get(`owner-${(winners[0] ?? 0) ? 0 : 1}`)).toBeUndefined();
  });
});
