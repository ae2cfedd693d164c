/** A request that is repeated under its `Idempotency-Key`: with the same body, with another, while the first runs. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { api, createSandbox, target } from '../helpers/api.ts';
import { expectRefusal } from '../helpers/refusals.ts';

const execute = (
  sandbox: { id: string },
  key: string,
  body: Record<string, unknown>,
  headers: Record<string, string> = {},
) =>
  api(`/sandboxes/${sandbox.id}/execute`, {
    body,
    headers: { 'Idempotency-Key': key, ...headers },
  });

test('code runs once for a key, whoever repeats it and however the body is written', async () => {
  await using sandbox = await createSandbox();
  const key = randomUUID();
  const code = 'n = globals().get("n", 0) + 1; print("run", n)';
  const first = await execute(sandbox, key, { code, timeoutMs: 5_000 });
  expect(first.json.data).toMatchObject({ outcome: 'ok', stdout: 'run 1\n' });
  const again = await execute(sandbox, key, { timeoutMs: 5_000, code });
  expect(again.status).toBe(200);
  expect(again.json.data).toEqual(first.json.data);
  expect(again.headers.get('x-execution-id')).toBe(first.json.data.id);
  expect((await execute(sandbox, randomUUID(), { code })).json.data.stdout).toBe('run 2\n');
});

test('a repeat while the first runs attaches to it, in each of the three answers', async () => {
  await using sandbox = await createSandbox();
  const key = randomUUID();
  const body = { code: 'import time; print("begun"); time.sleep(600)', timeoutMs: 600_000 };
  const first = await execute(sandbox, key, body, { Prefer: 'respond-async' });
  expect(first.status).toBe(202);
  const { id } = first.json.data;
  const again = await execute(sandbox, key, body, { Prefer: 'respond-async' });
  expect(again.status).toBe(202);
  expect(again.json.data).toMatchObject({ id, status: 'running' });
  expectRefusal(await execute(sandbox, key, { code: '1' }), 'IDEMPOTENCY_CONFLICT', key);
  const json = execute(sandbox, key, body);
  const stream = await streamOf(sandbox, key, body);
  const begun = await stream.until('"text":"begun\\n"');
  await api(`/executions/${id}`, { method: 'DELETE' });
  expect(begun + (await stream.until('event: end'))).toContain('"outcome":"interrupted"');
  expect((await json).json.data).toMatchObject({ id, stdout: 'begun\n', outcome: 'interrupted' });
  const list = await api(`/sandboxes/${sandbox.id}/executions`);
  expect(list.json.data.items).toHaveLength(1);
});

test('many at once start one execution', async () => {
  await using sandbox = await createSandbox();
  const key = randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => execute(sandbox, key, { code: 'print(1)' })),
  );
  const ids = answers.map(({ json }) => json.data.id);
  expect(new Set(ids).size).toBe(1);
  for (const { json } of answers) expect(json.data.stdout).toBe('1\n');
});

test('a repeat still answers when the sandbox is gone', async () => {
  const key = randomUUID();
  const sandbox = await createSandbox();
  const first = await execute(sandbox, key, { code: '6 * 7' });
  await sandbox[Symbol.asyncDispose]();
  expect((await execute(sandbox, key, { code: '6 * 7' })).json.data).toEqual(first.json.data);
  expectRefusal(await execute(sandbox, key, { code: '6 * 8' }), 'IDEMPOTENCY_CONFLICT', key);
  expectRefusal(await execute(sandbox, randomUUID(), { code: '6 * 7' }), 'SANDBOX_GONE');
});

test('a key of another shape is refused', async () => {
  await using sandbox = await createSandbox();
  for (const key of ['a b', 'x'.repeat(256)]) {
    expectRefusal(
      await execute(sandbox, key, { code: '1' }),
      'VALIDATION_ERROR',
      'Idempotency-Key',
    );
  }
});

/** Server-sent events as they come; `until` answers what came up to a text. */
async function streamOf(sandbox: { id: string }, key: string, body: unknown) {
  const response = await fetch(`${target.baseUrl}/sandboxes/${sandbox.id}/execute`, {
    method: 'POST',
    headers: {
      'X-API-Key': target.apiKey,
      'Content-Type': 'application/json',
      Accept: 'text/event-stream',
      'Idempotency-Key': key,
    },
    body: JSON.stringify(body),
  });
  if (!response.body) throw new Error('no stream');
  const texts = response.body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  return {
    async until(sign: string): Promise<string> {
      for (let seen = ''; ; ) {
        const { value, done } = await texts.next();
        seen += value ?? '';
        if (seen.includes(sign)) return seen;
        if (done) throw new Error(`the stream ended without ${sign}: ${seen}`);
      }
    },
  };
}
