/** What is within every limit is taken, and what it printed can be read, however it is written as JSON. */
import { expect, test } from 'vitest';
import { api, createSandbox } from '../helpers/api.ts';
import { expectRefusal } from '../helpers/refusals.ts';

test('code and stdin of 0.9 MiB that JSON writes twice as long are run', async () => {
  await using sandbox = await createSandbox();
  const quotes = '"'.repeat(900_000);
  const run = await sandbox.run(`len(input()) #${quotes}`, { stdin: quotes });
  expect(run).toMatchObject({ outcome: 'ok', results: [{ data: { 'text/plain': '900000' } }] });
});

test.each([
  ['control characters, six bytes each as JSON', 'print("\\x01" * 2**20)'],
  ['many results', 'for _ in range(40): display("x" * 200_000)'],
  ['one result of 8 MB', '"x" * 8_000_000'],
])('an execution is read again after it printed %s', async (_, code) => {
  await using sandbox = await createSandbox();
  const run = await sandbox.run(code);
  const again = await api(`/executions/${run.id}`);
  expect(again.status).toBe(200);
  expect(again.json.data.stdout === run.stdout).toBe(true);
  expect(again.json.data.results.length).toBe(run.results.length);
  expect(again.json.data.resultsTruncated).toBe(run.resultsTruncated);
});

test('a cursor that was tampered with is never a failure of ours', async () => {
  await using _ = await createSandbox();
  const { nextCursor } = (await api('/sandboxes?limit=1')).json.data;
  const [prefix, key] = Buffer.from(nextCursor, 'base64url').toString().split('|');
  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
  const keys = JSON.parse(Buffer.from(String(key), 'base64').toString());
  for (const forged of [
    'garbage',
    'e30',
    base64({}),
    base64([]),
    base64('text'),
    base64(1),
    base64({ pk: 1 }),
    base64({ pk: 'x', sk: 'y' }),
    base64({ ...keys, pk: 1 }),
    base64({ ...keys, gsi1pk: `${keys.gsi1pk}x` }),
    base64({ ...keys, extra: 'x' }),
    base64({ ...keys, sk: { S: 'x' } }),
  ]) {
    const cursor = Buffer.from(`${prefix}|${forged}`).toString('base64url');
    const answer = await api(`/sandboxes?limit=1&cursor=${cursor}`);
    if (answer.status !== 200) expectRefusal(answer, 'VALIDATION_ERROR', 'cursor');
  }
});
