/** Uploads in slices through a real agent: resumed, cut, checked, and put in place once. */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FileDigest, FileEntry, UploadProgress } from '../../../contract/agent/files.ts';
import { AgentErrorBody } from '../../../contract/errors.ts';
import { newId, startAgent, type TestAgent } from '../../helpers/agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent({ driver: 'plain', files: true });
});
afterAll(() => agent[Symbol.asyncDispose]());

const bytes = new Uint8Array(randomBytes(1_000_000));
const sha256 = createHash('sha256').update(bytes).digest('hex');

const begin = (body: object) =>
  agent.call('POST', '/files/uploads', { path: 'up', sizeBytes: bytes.length, sha256, ...body });
const slice = (id: string, offset: number, end: number) =>
  fetch(`${agent.baseUrl}/files/uploads/${id}?offset=${offset}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${agent.token}`, 'content-type': 'application/octet-stream' },
    body: bytes.subarray(offset, end),
  });
const offsetOf = (body: unknown) => UploadProgress.parse(body).offset;
const codeOf = (body: unknown) => AgentErrorBody.parse(body).code;

it('slices make one file, which is there only at the end, and once', async () => {
  const uploadId = newId('up');
  expect(offsetOf((await begin({ uploadId })).body)).toBe(0);
  expect(offsetOf(await (await slice(uploadId, 0, 400_000)).json())).toBe(400_000);
  expect(offsetOf((await begin({ uploadId })).body)).toBe(400_000);
  const early = await agent.call('POST', `/files/uploads/${uploadId}/finish`);
  expect([early.status, codeOf(early.body)]).toEqual([409, 'INVALID_SANDBOX_STATE']);
  const wrong = await slice(uploadId, 300_000, 500_000);
  expect([wrong.status, codeOf(await wrong.json())]).toEqual([409, 'INVALID_SANDBOX_STATE']);
  expect(offsetOf(await (await slice(uploadId, 400_000, bytes.length)).json())).toBe(bytes.length);
  expect(readdirSync(agent.workspace)).not.toContain('up');
  for (const _ of [1, 2]) {
    const done = await agent.call('POST', `/files/uploads/${uploadId}/finish`);
    expect(FileEntry.parse(done.body)).toMatchObject({ name: 'up', sizeBytes: bytes.length });
  }
  expect(readFileSync(join(agent.workspace, 'up')).equals(bytes)).toBe(true);
  const { body } = await agent.call('GET', '/files/digest?path=up');
  expect(FileDigest.parse(body)).toMatchObject({ sha256, entry: { name: 'up' } });
});

it('a slice that is cut counts as far as it came', async () => {
  const uploadId = newId('up');
  await begin({ uploadId, path: 'cut' });
  const cut = new AbortController();
  const body = new ReadableStream({
    async pull(controller) {
      controller.enqueue(bytes.subarray(0, 100_000));
      await expect
        .poll(async () => offsetOf((await begin({ uploadId, path: 'cut' })).body))
        .toBe(100_000);
      cut.abort();
    },
  });
  await expect(
    fetch(`${agent.baseUrl}/files/uploads/${uploadId}?offset=0`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${agent.token}`,
        'content-type': 'application/octet-stream',
        'content-length': '500000',
      },
      body,
      duplex: 'half',
      signal: cut.signal,
    }),
  ).rejects.toThrow();
  const rest = () => slice(uploadId, 100_000, bytes.length);
  await expect.poll(async () => (await rest()).status).toBe(200);
  expect((await agent.call('POST', `/files/uploads/${uploadId}/finish`)).status).toBe(200);
  expect(readFileSync(join(agent.workspace, 'cut')).equals(bytes)).toBe(true);
});

it('bytes with another SHA-256 leave nothing, and the upload can begin again', async () => {
  const uploadId = newId('up');
  const other = { uploadId, path: 'never', sha256: '0'.repeat(64) };
  await begin(other);
  await slice(uploadId, 0, bytes.length);
  const done = await agent.call('POST', `/files/uploads/${uploadId}/finish`);
  expect([done.status, codeOf(done.body)]).toEqual([400, 'VALIDATION_ERROR']);
  await expect
    .poll(() => readdirSync(agent.workspace).filter((n) => /never|\.upload/.test(n)))
    .toEqual([]);
  expect(offsetOf((await begin(other)).body)).toBe(0);
  expect((await begin({ uploadId, path: 'else' })).status).toBe(409);
});

it.each([
  ['a link that leads out', { path: '/proc/self/cwd/x' }, 'VALIDATION_ERROR'],
  ['a directory', { path: '.' }, 'VALIDATION_ERROR'],
  ['no size', { sizeBytes: undefined }, 'VALIDATION_ERROR'],
  ['more than a file may have', { sizeBytes: 5 * 2 ** 30 + 1 }, 'VALIDATION_ERROR'],
  ['an id that is none', { uploadId: 'x' }, 'VALIDATION_ERROR'],
])('an upload to %s is refused before its bytes are sent', async (_, body, code) => {
  expect(codeOf((await begin({ uploadId: newId('up'), ...body })).body)).toBe(code);
});
