import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FrontDoor } from '../../../local/services/front-door/front-door.ts';
import type { AwsRequest, AwsService } from '../../../local/services/service.ts';

interface Seen extends AwsRequest {
  readonly streamed: Buffer | undefined;
}

/** A stand-in that notes what it is given and answers with what it is told to. */
function recordingService(name: string, answer = '{}') {
  const seen: Seen[] = [];
  const service: AwsService = {
    name,
    rights: () => [{ action: `${name}:Do`, resource: '*' }],
    async handle(request, response) {
      const streamed =
        request.body === undefined ? Buffer.concat(await request.incoming.toArray()) : undefined;
      seen.push({ ...request, streamed });
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
    },
    async close() {},
  };
  return { service, seen };
}

let frontDoor: FrontDoor;
let errors: unknown[];
beforeEach(async () => {
  errors = [];
  frontDoor = new FrontDoor({ onError: (error) => errors.push(error) });
  await frontDoor.listen();
});
afterEach(async () => {
  await frontDoor.close();
});

const settings = (name: string) => ({
  endpoint: frontDoor.url,
  region: 'eu-central-1',
  credentials: frontDoor.issueCredentials(name),
  maxAttempts: 1,
});

test('each service gets what was signed for it, whole, with who signed', async () => {
  const dynamodb = recordingService('dynamodb', '{"TableNames":[]}');
  const events = recordingService('events', '{"Entries":[]}');
  frontDoor.register(dynamodb.service);
  frontDoor.register(events.service);

  await new DynamoDBClient(settings('files')).send(new ListTablesCommand({ Limit: 3 }));
  await new EventBridgeClient(settings('pool')).send(new PutEventsCommand({ Entries: [] }));

  expect(dynamodb.seen).toMatchObject([
    { target: 'DynamoDB_20120810.ListTables', principal: { name: 'files' } },
  ]);
  expect(JSON.parse(String(dynamodb.seen[0]?.body))).toEqual({ Limit: 3 });
  expect(events.seen).toMatchObject([{ service: 'events', principal: { name: 'pool' } }]);
});

test('requests are counted by service, action and who signed, until they are reset', async () => {
  frontDoor.register(recordingService('dynamodb', '{"TableNames":[]}').service);
  const files = new DynamoDBClient(settings('files'));
  const pool = new DynamoDBClient(settings('pool'));

  await files.send(new ListTablesCommand({}));
  await files.send(new ListTablesCommand({}));
  await pool.send(new ListTablesCommand({}));
  const counted = frontDoor.counts.list();
  frontDoor.counts.reset();

  const listTables = { service: 'dynamodb', action: 'ListTables' };
  expect(counted).toEqual([
    { ...listTables, principal: 'files', count: 2 },
    { ...listTables, principal: 'pool', count: 1 },
  ]);
  expect(frontDoor.counts.list()).toEqual([]);
});

test('a name has one access key, and no two names share one', () => {
  const files = frontDoor.issueCredentials('files');

  expect(frontDoor.issueCredentials('files')).toEqual(files);
  expect(frontDoor.issueCredentials('pool').accessKeyId).not.toBe(files.accessKeyId);
});

test('a wrong secret, an unknown key and no signature at all reach no service and are not counted', async () => {
  const { service, seen } = recordingService('dynamodb');
  frontDoor.register(service);
  const { accessKeyId } = frontDoor.issueCredentials('files');
  const send = (credentials: { accessKeyId: string; secretAccessKey: string }) =>
    new DynamoDBClient({ ...settings('files'), credentials }).send(new ListTablesCommand({}));

  await expect(send({ accessKeyId, secretAccessKey: 'guess' })).rejects.toMatchObject({
    name: 'InvalidSignatureException',
  });
  await expect(send({ accessKeyId: 'AKIA', secretAccessKey: 'x' })).rejects.toMatchObject({
    name: 'UnrecognizedClientException',
  });
  const unsigned = await fetch(frontDoor.url, { method: 'POST', body: '{}' });

  expect(unsigned.status).toBe(403);
  expect(seen).toEqual([]);
  expect(frontDoor.counts.list()).toEqual([]);
});

test('a service without a stand-in is answered 501 with its name', async () => {
  frontDoor.register(recordingService('events').service);

  await expect(
    new DynamoDBClient(settings('files')).send(new ListTablesCommand({})),
  ).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('"dynamodb"; there are: events'),
    $metadata: { httpStatusCode: 501 },
  });
});

test('a body over 6 MB and 1 KB is refused, declared or not', async () => {
  const { service, seen } = recordingService('dynamodb');
  frontDoor.register(service);
  const large = 'x'.repeat(6 * 1024 * 1024 + 1024);
  const send = new DynamoDBClient(settings('files')).send(
    new ListTablesCommand({ ExclusiveStartTableName: large }),
  );

  await expect(send).rejects.toMatchObject({
    name: 'RequestEntityTooLargeException',
    $metadata: { httpStatusCode: 413 },
  });
  expect(seen).toEqual([]);
});

test('s3 gets its body unread, of any size, and its own names of actions', async () => {
  const { service, seen } = recordingService('s3');
  frontDoor.register(service);
  const s3 = new S3Client({ ...settings('files'), requestChecksumCalculation: 'WHEN_REQUIRED' });
  const Body = Buffer.alloc(8 * 1024 * 1024, 1);

  await s3.send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body }));

  expect(seen[0]?.body).toBeUndefined();
  expect(seen[0]?.streamed?.byteLength).toBe(Body.byteLength);
  expect(frontDoor.counts.list()).toMatchObject([{ service: 's3', action: 'PutObject' }]);
});

test('a presigned URL works without headers and counts as nobody’s function', async () => {
  const { service, seen } = recordingService('s3', 'content');
  frontDoor.register(service);
  const url = await presign('files', '/b/k');

  const answer = await fetch(url);
  const tampered = await fetch(url.replace('/b/k', '/b/other'));

  expect(await answer.text()).toBe('content');
  expect(tampered.status).toBe(403);
  expect(seen).toMatchObject([{ principal: { name: 'external-presigned' } }]);
  expect(frontDoor.counts.list()).toMatchObject([
    { action: 'GetObject', principal: 'external-presigned', count: 1 },
  ]);
});

async function presign(name: string, path: string): Promise<string> {
  const url = new URL(frontDoor.url);
  const signer = new SignatureV4({
    service: 's3',
    region: 'eu-central-1',
    credentials: frontDoor.issueCredentials(name),
    sha256: NodeSha256,
    uriEscapePath: false,
    applyChecksum: false,
  });
  const signed = await signer.presign(
    {
      method: 'GET',
      protocol: 'http:',
      hostname: url.hostname,
      port: Number(url.port),
      path,
      headers: { host: url.host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
      query: {},
    },
    { expiresIn: 60 },
  );
  return `${frontDoor.url}${path}?${new URLSearchParams(signed.query as Record<string, string>).toString()}`;
}

class NodeSha256 {
  #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array);
  }
  update(data: Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

test('a CORS preflight, which no browser can sign, goes to s3 only', async () => {
  const { service, seen } = recordingService('s3');
  frontDoor.register(service);

  await fetch(`${frontDoor.url}/b/k`, { method: 'OPTIONS', headers: { origin: 'http://app' } });
  const noOrigin = await fetch(`${frontDoor.url}/b/k`, { method: 'OPTIONS' });

  expect(noOrigin.status).toBe(403);
  expect(seen).toMatchObject([{ service: 's3', principal: { name: 'anonymous' } }]);
});

test('a stand-in that throws answers 500 without the cause, and the cause is reported', async () => {
  frontDoor.register({
    name: 'dynamodb',
    rights: () => [],
    async handle() {
      throw new Error('secret detail');
    },
    async close() {},
  });

  await expect(
    new DynamoDBClient(settings('files')).send(new ListTablesCommand({})),
  ).rejects.toMatchObject({ message: expect.not.stringContaining('secret detail') });
  expect(errors).toMatchObject([{ message: 'secret detail' }]);
});

test('a client that leaves in mid-request harms nothing', async () => {
  const { service } = recordingService('s3');
  frontDoor.register(service);
  const url = new URL(await presign('files', '/b/k'));
  const leaving = httpRequest(url, { method: 'GET', headers: { 'content-length': 1000 } });
  leaving.on('error', () => {});
  leaving.write('some');
  await once(leaving, 'socket');

  leaving.destroy();
  const next = await new S3Client(settings('files')).send(
    new GetObjectCommand({ Bucket: 'b', Key: 'k' }),
  );

  expect(next.$metadata.httpStatusCode).toBe(200);
  expect(errors).toEqual([]);
});

test('the same service cannot be registered twice', () => {
  frontDoor.register(recordingService('events').service);

  expect(() => frontDoor.register(recordingService('events').service)).toThrow(/already/);
});
