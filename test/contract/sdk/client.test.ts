/** Making, finding, listing and ending sandboxes through the SDK; what is tried again, what not. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import {
  CodeInterpreter,
  CodeInterpreterError,
  ConnectionError,
} from '../../../sdk/typescript/src/index.ts';
import { call } from '../../../sdk/typescript/src/transport/retry.ts';
import { FAKE_KEY, FakeApi, type Refusal } from '../../helpers/fake-api.ts';
import { quickSandbox } from '../../helpers/sdk.ts';

const BUSY: Refusal = { status: 429, code: 'RATE_LIMITED', retryable: true, retryAfter: 0 };
test('a sandbox is made, found, read, listed and ended', async () => {
  await using fake = await FakeApi.start();
  const client = new CodeInterpreter(fake.options);
  const sandbox = await client.createSandbox({ runtime: 'python', metadata: { team: 'a' } });
  expect(fake.seen[0]).toMatchObject({ body: { runtime: 'python', metadata: { team: 'a' } } });
  expect(fake.seen[0]?.headers['x-api-key']).toBe(FAKE_KEY);

  const found = await client.getSandbox(sandbox.id);
  expect(found.info).toEqual(sandbox.info);
  expect(await found.refresh()).toMatchObject({ id: sandbox.id, status: 'running' });
  await sandbox.terminate();
  expect(sandbox.status).toBe('stopping');
  expect(await client.runtimes()).toMatchObject([{ name: 'python' }]);
});

test('a sandbox is given more life, another name and other metadata', async () => {
  await using fake = await FakeApi.start({ refusals: { updateSandbox: [BUSY] } });
  const { sandbox } = await quickSandbox(fake);
  await sandbox.extend({ lifetimeMs: 600_000 });
  await sandbox.update({ name: 'mine', metadata: { k: 'v' } });
  expect(sandbox.info).toMatchObject({ name: 'mine', metadata: { k: 'v' } });
  expect(
    fake.seen.filter(({ operation }) => operation === 'updateSandbox').map(({ body }) => body),
  ).toEqual([
    { lifetimeMs: 600_000 },
    { lifetimeMs: 600_000 },
    { name: 'mine', metadata: { k: 'v' } },
  ]);
});

test('lists are walked page by page, and each page can be asked for', async () => {
  await using fake = await FakeApi.start();
  const ids = Array.from({ length: 120 }, () => fake.addSandbox()).reverse();
  const client = new CodeInterpreter(fake.options);
  const listed: string[] = [];
  for await (const { id } of client.listSandboxes({ status: 'running', metadata: { k: 'v' } })) {
    listed.push(id);
  }
  expect(listed).toEqual(ids);
  expect(fake.seen.map(({ url }) => url.search)).toEqual([
    '?status=running&metadata.k=v',
    '?status=running&metadata.k=v&cursor=50',
    '?status=running&metadata.k=v&cursor=100',
  ]);
  const { items, nextCursor } = await client.listSandboxes().page({ limit: 2, cursor: '118' });
  expect(items.map(({ id }) => id)).toEqual(ids.slice(118));
  expect(nextCursor).toBeNull();
});

test('the executions of a sandbox are listed', async () => {
  await using fake = await FakeApi.start();
  const { sandbox } = await quickSandbox(fake);
  await sandbox.execute('code');
  for await (const { id, status } of sandbox.executions()) {
    expect([id, status]).toEqual([[...fake.executions.keys()][0], 'finished']);
  }
});

test('reads and ends are tried again after a retryable answer, up to a bound', async () => {
  await using fake = await FakeApi.start();
  const { api, sandbox } = await quickSandbox(fake);
  fake.behaviour.refusals['getSandbox'] = [BUSY, { ...BUSY, status: 502, raw: '<h1>proxy</h1>' }];
  await sandbox.refresh();
  fake.behaviour.refusals['terminateSandbox'] = [BUSY];
  await sandbox.terminate();

  fake.behaviour.refusals['runtimes'] = Array.from({ length: 9 }, () => BUSY);
  await expect(call(api, 'runtimes', {})).rejects.toMatchObject({
    code: 'RATE_LIMITED',
    status: 429,
    retryable: true,
    retryAfterMs: 0,
  });
  expect(fake.count('runtimes')).toBe(api.timing.attempts);
});

test('what is not retryable, or waits too long, is not tried again', async () => {
  await using fake = await FakeApi.start();
  const { api } = await quickSandbox(fake);
  fake.behaviour.refusals['runtimes'] = [
    { status: 403, code: 'PERMISSION_DENIED' },
    { ...BUSY, retryAfter: 3_600 },
  ];
  await expect(call(api, 'runtimes', {})).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  await expect(call(api, 'runtimes', {})).rejects.toMatchObject({ retryAfterMs: 3_600_000 });
  expect(fake.count('runtimes')).toBe(2);
});

test('an error carries code, message, status and request id, also a code of a later version', async () => {
  await using fake = await FakeApi.start();
  const client = new CodeInterpreter({ ...fake.options, apiKey: 'ci_wrong' });
  const refused: unknown = await client.runtimes().catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(CodeInterpreterError);
  expect(refused).toMatchObject({
    code: 'UNAUTHENTICATED',
    status: 401,
    requestId: 'request-1',
    retryable: false,
  });
  expect(JSON.stringify(refused)).not.toContain('ci_wrong');
  fake.behaviour.refusals['createSandbox'] = [{ status: 400, code: 'TOO_MODERN' }];
  const known = new CodeInterpreter(fake.options);
  await expect(known.createSandbox({ runtime: 'python' })).rejects.toMatchObject({
    code: 'TOO_MODERN',
  });
});

test('an id that is none is refused before anything is sent', async () => {
  await using fake = await FakeApi.start();
  const client = new CodeInterpreter(fake.options);
  for (const id of ['..', '../keys', '', 'sb1']) {
    await expect(client.getSandbox(id)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
  }
  expect(fake.seen).toEqual([]);
});

test('another server than this API is said to be one, and a redirect is not followed', async () => {
  const stranger = createServer(({ url }, response) => {
    if (url?.startsWith('/redirect')) response.writeHead(302, { Location: '/elsewhere' }).end();
    else response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>hello</h1>');
  });
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
  const at = (baseUrl: string) => new CodeInterpreter({ baseUrl, apiKey: FAKE_KEY });
  await expect(at(origin).runtimes()).rejects.toMatchObject({
    code: 'INVALID_ANSWER',
    message: expect.stringContaining('Does the base URL end in /api/v1?') as string,
  });
  await expect(at(`${origin}/redirect`).createSandbox({ runtime: 'python' })).rejects.toMatchObject(
    { code: 'CONNECTION_ERROR' },
  );
  await new Promise((resolve) => stranger.close(resolve));
});

test('a deployment that is not there is a connection error that says so', async () => {
  const fake = await FakeApi.start();
  const { options } = fake;
  await fake[Symbol.asyncDispose]();
  const error: unknown = await new CodeInterpreter(options)
    .createSandbox({ runtime: 'python' })
    .catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ConnectionError);
  expect(String(error)).toMatch(/ECONNREFUSED: is the deployment running/);
});

test('`await using` ends the sandbox, and one that is gone already is no error', async () => {
  await using fake = await FakeApi.start();
  const client = new CodeInterpreter(fake.options);
  {
    await using sandbox = await client.createSandbox({ runtime: 'python' });
    fake.sandboxes.delete(sandbox.id);
  }
  {
    await using _ended = await client.createSandbox({ runtime: 'python' });
  }
  expect([...fake.sandboxes.values()].map(({ status }) => status)).toEqual(['stopping']);
});

test('what was refused for its rate removed nothing: a repeat that finds nothing says so', async () => {
  const missing: Refusal = { status: 404, code: 'CONTEXT_NOT_FOUND' };
  const lost: Refusal = { status: 503, code: 'AGENT_UNREACHABLE', retryable: true };
  await using fake = await FakeApi.start({
    refusals: { deleteContext: [BUSY, missing, lost, missing] },
  });
  const { sandbox } = await quickSandbox(fake);
  const id = 'cx00000000000000000000';
  await expect(sandbox.contexts.delete(id)).rejects.toMatchObject({ code: 'CONTEXT_NOT_FOUND' });
  await expect(sandbox.contexts.delete(id)).resolves.toBeUndefined();
});
