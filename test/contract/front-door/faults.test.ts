/** What the real SDK clients make of each fault: what was carried out, how often they asked, what they were told. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DynamoDbService } from '../../../local/services/dynamodb/service.ts';
import { fateUnder } from '../../../local/services/front-door/faults/event-fate.ts';
import { FaultRule } from '../../../local/services/front-door/faults/rules.ts';
import { S3Service } from '../../../local/services/s3/service.ts';
import { openStage, type Stage } from '../lambda/stage.ts';

const LARGE = Buffer.alloc(1_000_000, 'large ');

let stage: Stage;
let folder: string;
let dynamodb: DynamoDbService;
let s3: S3Service;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faults-'));
  stage = await openStage({
    fateOf: (name) => {
      const strike = stage.frontDoor.faults.strikeEvent(name);
      return strike && fateUnder(strike);
    },
  });
  dynamodb = new DynamoDbService();
  s3 = new S3Service({ directory: folder });
  for (const service of [dynamodb, s3]) stage.frontDoor.register(service);
  await s3.createBucket('bucket');
  await dynamodb.createTable({
    TableName: 'counts',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  });
});
afterEach(async () => {
  expect(stage.errors).toEqual([]);
  await stage[Symbol.asyncDispose]();
  await Promise.all([dynamodb.close(), s3.close()]);
  await rm(folder, { recursive: true });
});

const add = (rule: unknown) => stage.frontDoor.faults.add(FaultRule.parse(rule));
const settings = (maxAttempts: number) => ({
  endpoint: stage.frontDoor.url,
  region: 'eu-central-1',
  credentials: stage.frontDoor.issueCredentials('counter'),
  maxAttempts,
});
const onCounts = {
  service: 'dynamodb',
  action: 'UpdateItem',
  function: 'counter',
  resource: 'counts',
};

async function count(maxAttempts: number) {
  using client = disposable(new DynamoDBClient(settings(maxAttempts)));
  const { $metadata, Attributes } = await client.it.send(
    new UpdateItemCommand({
      TableName: 'counts',
      Key: { id: { S: 'a' } },
      UpdateExpression: 'ADD n :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
      ReturnValues: 'ALL_NEW',
    }),
  );
  return { attempts: $metadata.attempts, n: Number(Attributes?.n?.N) };
}

async function counted(): Promise<number> {
  using client = disposable(new DynamoDBClient(settings(1)));
  const key = { TableName: 'counts', Key: { id: { S: 'a' } }, ConsistentRead: true };
  const { Item } = await client.it.send(new GetItemCommand(key));
  return Number(Item?.n?.N ?? 0);
}

const disposable = <T extends { destroy(): void }>(it: T) => ({
  it,
  [Symbol.dispose]: () => it.destroy(),
});

describe('a call that is', () => {
  test('refused once is tried again by the SDK, and carried out once', async () => {
    add({ ...onCounts, times: 1, fault: { type: 'refuse' } });
    expect(await count(3)).toEqual({ attempts: 2, n: 1 });
  });

  test('refused with an error that is no failure is not tried again', async () => {
    add({ ...onCounts, fault: { type: 'refuse', code: 'AccessDeniedException' } });
    await expect(count(3)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      $metadata: { httpStatusCode: 400, attempts: 1 },
    });
    expect(await counted()).toBe(0);
  });

  test('throttled once is tried again', async () => {
    add({ ...onCounts, times: 1, fault: { type: 'throttle' } });
    expect(await count(3)).toEqual({ attempts: 2, n: 1 });
    add({ ...onCounts, fault: { type: 'throttle' } });
    await expect(count(1)).rejects.toMatchObject({ name: 'ThrottlingException' });
  });

  test('repeated is carried out twice, and answered once', async () => {
    add({ ...onCounts, times: 1, fault: { type: 'repeat' } });
    expect(await count(3)).toEqual({ attempts: 1, n: 2 });
  });

  test('lost on the way back is carried out, and again when the SDK tries again', async () => {
    add({ ...onCounts, times: 1, fault: { type: 'lost-answer' } });
    expect(await count(3)).toEqual({ attempts: 2, n: 2 });
    add({ ...onCounts, times: 1, fault: { type: 'lost-answer' } });
    await expect(count(1)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await counted()).toBe(3);
  });

  test('cut on the way there is not carried out until the SDK tries again', async () => {
    add({ ...onCounts, times: 1, fault: { type: 'cut', of: 'request', atByte: 10 } });
    expect(await count(3)).toEqual({ attempts: 2, n: 1 });
  });

  test('cut in its answer is carried out, and again when the SDK tries again', async () => {
    add({ ...onCounts, times: 1, fault: { type: 'cut', of: 'response', atByte: 10 } });
    expect(await count(3)).toEqual({ attempts: 2, n: 2 });
  });

  test('delayed is held until its rule goes, and is carried out for a caller that has left too', async () => {
    const { id } = add({ ...onCounts, fault: { type: 'delay', ms: 600_000 } });
    const left = new DynamoDBClient(settings(1));
    const leaving = left.send(
      new UpdateItemCommand({
        TableName: 'counts',
        Key: { id: { S: 'a' } },
        UpdateExpression: 'ADD n :one',
        ExpressionAttributeValues: { ':one': { N: '1' } },
      }),
      { abortSignal: AbortSignal.timeout(50) },
    );
    await expect(leaving).rejects.toThrow();
    const waiting = count(1);
    await expect.poll(() => stage.frontDoor.faults.list()[0]).toMatchObject({ hits: 2, held: 2 });
    expect(await counted()).toBe(0);
    stage.frontDoor.faults.remove(id);
    expect(await waiting).toMatchObject({ attempts: 1 });
    await expect.poll(counted).toBe(2);
    left.destroy();
  });
});

describe('an object', () => {
  const put = async (client: S3Client) =>
    client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: LARGE }));
  const get = async (client: S3Client) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'k' }));
    return Body?.transformToByteArray();
  };

  test('whose upload is cut is not there, and is when the SDK has tried again', async () => {
    using client = disposable(new S3Client({ ...settings(1), forcePathStyle: true }));
    const onPut = { service: 's3', action: 'PutObject', resource: 'bucket/*' };
    add({ ...onPut, times: 2, fault: { type: 'cut', of: 'request', atByte: 70_000 } });
    await expect(put(client.it)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(get(client.it)).rejects.toMatchObject({ name: 'NoSuchKey' });
    using patient = disposable(new S3Client({ ...settings(3), forcePathStyle: true }));
    expect((await put(patient.it)).$metadata.attempts).toBe(2);
    expect(Buffer.compare((await get(client.it)) ?? Buffer.of(), LARGE)).toBe(0);
  });

  test('whose upload is repeated is there once, whole', async () => {
    using client = disposable(new S3Client({ ...settings(1), forcePathStyle: true }));
    add({ service: 's3', action: 'PutObject', fault: { type: 'repeat' } });
    await put(client.it);
    expect(Buffer.compare((await get(client.it)) ?? Buffer.of(), LARGE)).toBe(0);
  });

  test('that is cut while it is read fails the reader, who has what came before', async () => {
    using client = disposable(new S3Client({ ...settings(3), forcePathStyle: true }));
    await put(client.it);
    add({
      service: 's3',
      action: 'GetObject',
      times: 1,
      fault: { type: 'cut', of: 'response', atByte: 300_000 },
    });
    await expect(get(client.it)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await get(client.it))?.byteLength).toBe(LARGE.byteLength);
  });
});

describe('an asynchronous event', () => {
  const NOTES = `export const handler = async ({ n }) => { console.log('did ' + n); };`;
  const onEvent = { service: 'lambda', action: 'DeliverEvent', resource: 'notes' };
  const send = async (n: number) =>
    stage.client.send(
      new InvokeCommand({
        FunctionName: 'notes',
        InvocationType: 'Event',
        Payload: JSON.stringify({ n }),
      }),
    );
  const did = () => stage.lines.map(({ line }) => line);

  test('can be delivered twice, late, or never', async () => {
    await stage.define('notes', NOTES);
    add({ ...onEvent, times: 1, fault: { type: 'repeat' } });
    await send(1);
    await stage.until(() => did().length === 2);
    expect(did()).toEqual(['did 1', 'did 1']);
    add({ ...onEvent, times: 1, fault: { type: 'drop' } });
    const late = add({ ...onEvent, times: 1, fault: { type: 'delay', ms: 600_000 } });
    for (const n of [2, 3, 4]) await send(n);
    await stage.until(() => did().includes('did 4'));
    expect(did()).not.toContain('did 3');
    stage.frontDoor.faults.remove(late.id);
    await stage.until(() => did().includes('did 3'));
    expect(did()).not.toContain('did 2');
  });

  test('is no request: a rule for every action of Lambda leaves it alone', async () => {
    await stage.define('notes', NOTES);
    add({ service: 'lambda', fault: { type: 'repeat' } });
    stage.lambda.invokeAsync('notes', { n: 1 });
    stage.lambda.invokeAsync('notes', { n: 2 });
    await stage.until(() => did().length === 2);
    expect(did().sort()).toEqual(['did 1', 'did 2']);
  });
});

test('a streamed answer is cut at a byte, and its caller told so', async () => {
  await stage.define(
    'streams',
    `export const handler = awslambda.streamifyResponse(async (_event, out) => {
       for (let n = 0; n < 100; n++) out.write('x'.repeat(1000)); out.end();
     });`,
  );
  add({
    service: 'lambda',
    action: 'InvokeWithResponseStream',
    resource: 'streams',
    fault: { type: 'cut', of: 'response', atByte: 20_000 },
  });
  const { InvokeWithResponseStreamCommand } = await import('@aws-sdk/client-lambda');
  const { EventStream } = await stage.client.send(
    new InvokeWithResponseStreamCommand({ FunctionName: 'streams' }),
  );
  let sizeBytes = 0;
  const read = async () => {
    for await (const event of EventStream ?? []) {
      sizeBytes += event.PayloadChunk?.Payload?.byteLength ?? 0;
    }
  };
  await expect(read()).rejects.toThrow();
  expect(sizeBytes).toBeLessThanOrEqual(20_000);
});

test('a rule strikes by chance as often as its seed says, the same each time', async () => {
  add({ ...onCounts, probability: 0.5, fault: { type: 'refuse', code: 'Unlucky' } });
  const outcomes = [];
  for (let n = 0; n < 40; n++) outcomes.push(await count(1).then(String, String));
  const struck = outcomes.filter((outcome) => outcome.includes('Unlucky')).length;
  expect(struck).toBeGreaterThan(8);
  expect(struck).toBeLessThan(32);
  expect(stage.frontDoor.faults.list()).toMatchObject([{ hits: struck }]);
});
