/** Code that is run once: a sandbox of its own, files in and out, and nothing left. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { api, target } from '../helpers/api.ts';
import { account, expectRefusal } from '../helpers/refusals.ts';

const run = (body: Record<string, unknown>, headers: Record<string, string> = {}) =>
  api('/run', { body: { language: 'python', ...body }, headers });
const sandboxOf = async (id: string) => (await api(`/sandboxes/${id}`)).json.data;
const untilEnded = (id: string) =>
  expect.poll(async () => (await sandboxOf(id)).status, { interval: 50 }).toBe('stopped');

test('files go in, code runs, files come out, and the sandbox is gone', async () => {
  const { status, json, headers } = await run({
    code: `
import sys
print(sys.stdin.read())
open('deep/out.txt', 'w').write(open('deep/in.txt').read().upper())
open('raw.bin', 'wb').write(bytes(reversed(open('in.bin', 'rb').read())))
`,
    files: [
      { path: 'deep/in.txt', text: 'grüße' },
      { path: 'in.bin', base64: Buffer.from([1, 2, 255]).toString('base64') },
    ],
    outputFiles: ['deep/out.txt', 'raw.bin', 'none.txt', 'deep'],
    stdin: 'heard',
  });
  expect(status, JSON.stringify(json)).toBe(200);
  const { data } = json;
  expect(data).toMatchObject({ status: 'finished', outcome: 'ok', stdout: 'heard\n' });
  expect(headers.get('x-execution-id')).toBe(data.id);
  const [text, raw, none, directory] = data.files;
  expect(text).toEqual({ path: 'deep/out.txt', state: 'read', text: 'GRÜSSE' });
  const reversed = Buffer.from([255, 2, 1]).toString('base64');
  expect(raw).toEqual({ path: 'raw.bin', state: 'read', base64: reversed });
  expect(none).toMatchObject({ state: 'missing', problem: { code: 'FILE_NOT_FOUND' } });
  expect(directory).toMatchObject({ path: 'deep', state: 'missing' });
  await untilEnded(data.sandboxId);
  expect(await sandboxOf(data.sandboxId)).toMatchObject({ endReason: 'terminated' });
});

test('each language runs, and code that fails is a result', async () => {
  const answers = await Promise.all([
    run({ language: 'bash', code: 'echo $((6 * 7)); exit 3' }),
    run({ language: 'typescript', code: 'const n: number = 6; console.log(n * 7)' }),
  ]);
  expect(answers.map(({ json }) => json.data)).toMatchObject([
    { language: 'bash', stdout: '42\n', exitCode: 3, outcome: 'error' },
    { language: 'typescript', stdout: '42\n', outcome: 'ok' },
  ]);
});

test('what does not fit into the answer is kept a minute in its sandbox', async () => {
  const { json } = await run({
    code: 'open("a", "wb").write(b"x" * 3_000_000); open("b", "wb").write(b"y" * 3_000_000)',
    outputFiles: ['a', 'b'],
    timeoutMs: 60_000,
  });
  const { sandboxId, files } = json.data;
  expect(files.map(({ state }: { state: string }) => state)).toEqual(['read', 'kept']);
  await expect
    .poll(async () => Date.parse((await sandboxOf(sandboxId)).expiresAt) - Date.now())
    .toBeLessThanOrEqual(60_000);
  const kept = await api(`/sandboxes/${sandboxId}/files/stat?path=b`);
  expect(kept.json.data).toMatchObject({ sizeBytes: 3_000_000 });
  await api(`/sandboxes/${sandboxId}`, { method: 'DELETE' });
});

test('an answer that does not wait is told on by repeats under its key, and the code runs once', async () => {
  const key = { 'Idempotency-Key': randomUUID() };
  const body = {
    code: 'import uuid; name = str(uuid.uuid4()); open("name", "w").write(name); print(name)',
    outputFiles: ['name'],
    timeoutMs: 60_000,
  };
  const first = await run(body, { ...key, Prefer: 'respond-async' });
  expect(first.status, JSON.stringify(first.json)).toBe(202);
  expect(first.json.data).toMatchObject({ files: [] });
  expect(['queued', 'running']).toContain(first.json.data.status);
  const [again, also] = await Promise.all([run(body, key), run(body, key)]);
  const { id, sandboxId } = first.json.data;
  expect(again.json.data).toMatchObject({ id, sandboxId, status: 'finished', outcome: 'ok' });
  const name = again.json.data.stdout.trim();
  expect(again.json.data.files).toEqual([{ path: 'name', state: 'read', text: name }]);
  expect(also.json.data).toEqual(again.json.data);
  expectRefusal(await run({ ...body, code: '1' }, key), 'IDEMPOTENCY_CONFLICT');
  // What is left for whoever comes for the files goes within the minute.
  const leftMs = async () => Date.parse((await sandboxOf(sandboxId)).expiresAt) - Date.now();
  await expect.poll(leftMs).toBeLessThanOrEqual(60_000);
  await api(`/sandboxes/${sandboxId}`, { method: 'DELETE' });
  await untilEnded(sandboxId);
  const late = await run(body, key);
  expect(late.json.data).toMatchObject({ outcome: 'ok', files: [{ state: 'gone' }] });
});

test.runIf(target.control)('what is refused names the field, and leaves no sandbox', async () => {
  const two = { path: 'a', text: '', base64: '' };
  const { apiKey } = await account({ action: 'createTenant', name: 'run-once' });
  for (const [body, field] of [
    [{ code: '1', files: [two] }, 'files.0'],
    [{ code: '1', files: [{ path: '../a', text: '' }] }, 'files.0.path'],
    [{ code: '1', outputFiles: Array(33).fill('a') }, 'outputFiles'],
    [{ code: '1', language: 'cobol' }, 'language'],
    [{ code: '1', contextId: 'c' }, 'contextId'],
  ] as const)
    expectRefusal(await run(body), 'VALIDATION_ERROR', field);
  const tooMuch = { language: 'python', code: '#'.repeat(2 ** 20 + 1) };
  expectRefusal(await api('/run', { body: tooMuch, apiKey }), 'CODE_TOO_LARGE', 'code');
  expect((await api('/sandboxes', { apiKey })).json.data.items).toEqual([]);
  const outside = { language: 'python', code: '1', files: [{ path: '/etc/motd', text: 'x' }] };
  expectRefusal(await api('/run', { body: outside, apiKey }), 'VALIDATION_ERROR', 'path');
  // The list is an index, which may lag.
  const left = async () => (await api('/sandboxes', { apiKey })).json.data.items;
  await expect.poll(left).toMatchObject([{ status: expect.stringMatching(/^stopp/) }]);
});
