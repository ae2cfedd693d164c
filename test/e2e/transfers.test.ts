/** Large files: up and down by way of the bucket, with their SHA-256; refused where they are not what was said. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CodeInterpreter } from '../../sdk/typescript/src/index.ts';
import { api, createSandbox, type TestSandbox, target } from '../helpers/api.ts';
import { expectRefusal } from '../helpers/refusals.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await createSandbox();
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const at = (path: string) => `/sandboxes/${sandbox.id}/${path}`;
const bytes = new Uint8Array(randomBytes(20 * 1024 * 1024));
const begin = (fields: object = {}) =>
  api(at('uploads'), {
    body: { path: 'data/big.bin', sizeBytes: bytes.length, sha256: sha256(bytes), ...fields },
  });
const send = async (upload: { url: string; headers: object }, body: Uint8Array<ArrayBuffer>) =>
  (await fetch(upload.url, { method: 'PUT', body, headers: { ...upload.headers } })).status;
const complete = (id: string) => api(at(`uploads/${id}/complete`), { method: 'POST' });

async function untilDone(ask: () => ReturnType<typeof api>) {
  for (;;) {
    const answer = await ask();
    if (answer.status !== 202) return answer;
  }
}

test('a file of 20 MB goes up, is seen by code, and comes down as it was', async () => {
  const { data: upload } = (await begin()).json;
  expect(upload).toMatchObject({ state: 'waiting', sizeBytes: bytes.length });
  expectRefusal(await complete(upload.id), 'VALIDATION_ERROR', upload.id);
  expect(await send(upload, bytes)).toBe(200);
  const done = await untilDone(() => complete(upload.id));
  expect(done.json.data).toMatchObject({
    state: 'done',
    file: { path: '/home/user/data/big.bin', sizeBytes: bytes.length, type: 'file' },
  });
  expect((await complete(upload.id)).json.data).toEqual(done.json.data);
  const { stdout } = await sandbox.run(`import hashlib, os
print(hashlib.sha256(open('data/big.bin', 'rb').read()).hexdigest(), os.stat('data/big.bin').st_uid)
os.rename('data/big.bin', 'data/é "big".bin')`);
  expect(stdout).toBe(`${sha256(bytes)} 1000\n`);

  const asked = await api(at('downloads'), { body: { path: 'data/é "big".bin' } });
  const { id } = asked.json.data;
  const { data } = (await untilDone(() => api(at(`downloads/${id}`)))).json;
  expect(data).toMatchObject({ state: 'done', sizeBytes: bytes.length, sha256: sha256(bytes) });
  const object = await fetch(data.url);
  expect(sha256(new Uint8Array(await object.arrayBuffer()))).toBe(sha256(bytes));
  expect(object.headers.get('content-disposition')).toContain('%C3%A9%20%22big%22.bin');
});

test('bytes that are not what was said are not taken', async () => {
  const { data: upload } = (await begin({ path: 'other', sizeBytes: 3 })).json;
  expect(await send(upload, Uint8Array.from([1, 2, 3, 4]))).toBe(403);
  expect(await send(upload, Uint8Array.from([1, 2, 3]))).toBe(400);
  expect(await send({ ...upload, headers: {} }, Uint8Array.from([1, 2, 3]))).toBe(403);
  expectRefusal(await complete(upload.id), 'VALIDATION_ERROR', upload.id);
});

test('an upload or download that cannot be is refused by its name', async () => {
  expectRefusal(await begin({ sizeBytes: 5 * 2 ** 30 + 1 }), 'VALIDATION_ERROR', 'sizeBytes');
  expectRefusal(await begin({ sha256: 'x' }), 'VALIDATION_ERROR', 'sha256');
  expectRefusal(await begin({ path: '../x' }), 'VALIDATION_ERROR', 'path');
  const outside = await api(at('downloads'), { body: { path: '/etc/passwd' } });
  expectRefusal(outside, 'VALIDATION_ERROR', 'path');
  expectRefusal(await api(at('downloads'), { body: { path: 'none' } }), 'FILE_NOT_FOUND', 'path');
  const [up, dl] = ['up', 'dl'].map((prefix) => `${prefix}${'0'.repeat(20)}`) as [string, string];
  expectRefusal(await complete(up), 'NOT_FOUND', up);
  expectRefusal(await api(at(`downloads/${dl}`)), 'NOT_FOUND', dl);
});

test('an upload to where it may not go fails at its end, each time with the reason', async () => {
  const small = Uint8Array.from([1, 2, 3]);
  await sandbox.run(`import os; os.symlink('/var', 'out')`);
  const { data: upload } = (await begin({ path: 'out/x', sizeBytes: 3, sha256: sha256(small) }))
    .json;
  await send(upload, small);
  for (const _ of [1, 2])
    expectRefusal(await untilDone(() => complete(upload.id)), 'VALIDATION_ERROR', 'path');
});

test('the SDK sends and fetches files of any size, and finds the way by itself', async () => {
  const client = new CodeInterpreter({ baseUrl: target.baseUrl, apiKey: target.apiKey });
  const mine = await client.getSandbox(sandbox.id);
  const large = bytes.subarray(0, 5 * 1024 * 1024);
  const steps = new Set<string>();
  const options = { onProgress: ({ step }: { step: string }) => void steps.add(step) };
  expect((await mine.uploadFile('sdk/large', large, options)).sizeBytes).toBe(large.length);
  expect(sha256(await mine.downloadFile('sdk/large', options))).toBe(sha256(large));
  expect([...steps]).toEqual(['hashing', 'sending', 'copying', 'receiving']);
  await mine.files.write('sdk/small', 'text');
  const { items } = await mine.files.list('sdk').page();
  expect(items.map(({ name }) => name)).toEqual(['large', 'small']);
  await mine.files.move('sdk/small', 'sdk/moved');
  expect(await mine.files.readText('sdk/moved')).toBe('text');
  await mine.files.delete('sdk', { recursive: true });
  await expect(mine.files.stat('sdk')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
});
