/** Contexts through the template: languages, states apart, queues, restart and end. */
import { CodeInterpreter, formsOf, type Sandbox } from '@code-interpreter/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { api, target } from '../helpers/api.ts';
import { expectRefusal } from '../helpers/refusals.ts';

const client = new CodeInterpreter({ baseUrl: target.baseUrl, apiKey: target.apiKey });

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await client.createSandbox({ runtime: 'python', env: { FROM_SANDBOX: 's' } });
});
afterAll(() => sandbox.terminate());

const textOf = async (code: string, options: object) => {
  const { results, stdout } = await sandbox.execute(code, options);
  const value = results.at(-1)?.data?.['text/plain'];
  return typeof value === 'string' ? value : stdout;
};

/** Starts and answers at once, with the status and the execution. */
const begin = (body: object) =>
  api(`/sandboxes/${sandbox.id}/execute`, { body, headers: { Prefer: 'respond-async' } });

async function finished(id: string) {
  for (let after = 0; ; ) {
    const page = await api(`/executions/${id}/events?after=${after}&waitMs=20000`);
    after = page.json.data.nextCursor;
    if (page.json.data.finished) return (await api(`/executions/${id}`)).json.data;
  }
}

test.each([
  ['python', 'x = 20', 'x + 1', '21'],
  ['javascript', 'const x = 20', 'x + 2', '22'],
  ['typescript', 'const x: number = 20', 'x as number + 3', '23'],
  ['bash', 'x=20', 'echo $((x + 4)) $FROM_SANDBOX', '24 s\n'],
] as const)('%s keeps its state in its own context', async (language, first, second, value) => {
  const { outcome } = await sandbox.execute(first, { language });
  expect(outcome).toBe('ok');
  expect(await textOf(second, { language })).toBe(value);
});

test.each([
  ['node', '[1].map((n) => n + 1)', '[ 2 ]'],
  ['bash', 'echo ${BASH_VERSION%%.*}', '5\n'],
])('a sandbox of %s runs its language where none is named', async (runtime, code, value) => {
  await using own = await client.createSandbox({ runtime });
  const { results, stdout } = await own.execute(code);
  expect(results[0]?.data?.['text/plain'] ?? stdout).toBe(value);
});

test('a plot comes with what it shows, and a table with its data', async () => {
  const { results } = await sandbox.execute(
    'import matplotlib.pyplot as plt, pandas as pd\nplt.bar(["a", "b"], [1, 2])\npd.DataFrame({"n": [1, 2]})',
    { timeoutMs: 120_000 },
  );
  const forms = results.map(({ data = {} }) => formsOf(data));
  expect(forms[0]?.data?.columns).toEqual([{ name: 'n', type: 'int64', values: [1, 2] }]);
  expect(forms[1]?.chart).toMatchObject({
    type: 'bar',
    elements: [
      { label: 'a', value: 1 },
      { label: 'b', value: 2 },
    ],
  });
  expect(forms[1]?.png).toMatch(/^iVBOR/);
}, 150_000);

test('code is found well formed or not, without being run', async () => {
  expect(await sandbox.validate('x = 1', { language: 'python' })).toEqual({
    valid: true,
    problems: [],
  });
  const { valid, problems } = await sandbox.validate('let a = 1\nlet b = ;', {
    language: 'typescript',
  });
  expect([valid, problems[0]?.line]).toEqual([false, 2]);
});

describe('a context', () => {
  test('has a state, an environment and a directory of its own, until it is restarted', async () => {
    const one = await sandbox.contexts.create({ language: 'bash', cwd: '/tmp', env: { OWN: 'o' } });
    const other = await sandbox.contexts.create({ language: 'bash' });
    await sandbox.execute('state=one', { contextId: one.id });
    const show = 'echo "${state-none} ${OWN-none} $PWD $FROM_SANDBOX"';
    expect(await textOf(show, { contextId: one.id })).toBe('one o /tmp s\n');
    expect(await textOf(show, { contextId: other.id })).toBe('none none /home/user s\n');
    const listed = await sandbox.contexts.list();
    expect(listed.find(({ id }) => id === one.id)).toEqual({
      id: one.id,
      language: 'bash',
      isDefault: false,
      cwd: '/tmp',
      createdAt: expect.any(String),
      status: 'idle',
      executionCount: 2,
      queued: 0,
    });
    expect(await sandbox.contexts.restart(one.id)).toMatchObject({ id: one.id, executionCount: 0 });
    expect(await textOf(show, { contextId: one.id })).toBe('none o /tmp s\n');
    for (const { id } of [one, other]) await sandbox.contexts.delete(id);
    await expect(sandbox.execute('1', { contextId: one.id })).rejects.toMatchObject({
      code: 'CONTEXT_NOT_FOUND',
    });
  });

  test('runs what it is given in order, and ends all of it when it is deleted', async () => {
    const { id: contextId } = await sandbox.contexts.create({ language: 'bash' });
    const waiting = 'until [ -e go ]; do sleep 0.02; done; rm go';
    const first = await begin({ contextId, code: waiting });
    expect(first.json.data).toMatchObject({ contextId, language: 'bash', status: 'running' });
    const ids = [];
    for (const code of ['order=1', 'order+=2; echo $order', waiting, 'echo never'])
      ids.push((await begin({ contextId, code })).json.data.id);
    expect(await sandbox.contexts.list()).toContainEqual(
      expect.objectContaining({ id: contextId, status: 'busy', queued: 4 }),
    );
    await sandbox.execute('touch go', { language: 'bash' });
    expect((await finished(ids[1])).stdout).toBe('12\n');
    await sandbox.contexts.delete(contextId);
    for (const id of ids.slice(2)) expect((await finished(id)).outcome).toBe('killed');
  });

  test('that is interrupted keeps its state', async () => {
    const { id: contextId } = await sandbox.contexts.create({ language: 'javascript' });
    const stop = new AbortController();
    const run = sandbox.execute('kept = 1; console.log("up"); while (true) {}', {
      contextId,
      signal: stop.signal,
      onStdout: () => stop.abort(),
    });
    await expect(run).rejects.toThrow('abort');
    expect(await textOf('kept', { contextId })).toBe('1');
    await sandbox.contexts.delete(contextId);
  });

  test('is made once under an Idempotency-Key', async () => {
    const make = (body: object) =>
      api(`/sandboxes/${sandbox.id}/contexts`, { body, headers: { 'Idempotency-Key': 'one' } });
    const first = await make({ language: 'bash' });
    expect(first.status).toBe(201);
    expect((await make({ language: 'bash' })).json.data.id).toBe(first.json.data.id);
    expectRefusal(await make({ language: 'python' }), 'IDEMPOTENCY_CONFLICT');
    await sandbox.contexts.delete(first.json.data.id);
  });

  test('is refused with what is wrong about it', async () => {
    const path = `/sandboxes/${sandbox.id}/contexts`;
    for (const [body, field] of [
      [{}, 'language'],
      [{ language: 'cobol' }, 'language'],
      [{ language: 'bash', cwd: '' }, 'cwd'],
      [{ language: 'bash', name: 'x' }, 'name'],
    ] as const)
      expectRefusal(await api(path, { body }), 'VALIDATION_ERROR', field);
    const unknown = `${path}/cx${'0'.repeat(20)}`;
    expectRefusal(await api(unknown, { method: 'DELETE' }), 'CONTEXT_NOT_FOUND');
    expectRefusal(await api(`${unknown}/restart`, { method: 'POST' }), 'CONTEXT_NOT_FOUND');
    expectRefusal(await api(`${path}/x`, { method: 'DELETE' }), 'VALIDATION_ERROR', 'contextId');
    const both = { code: '1', language: 'bash', contextId: `cx${'0'.repeat(20)}` };
    expectRefusal(await begin(both), 'VALIDATION_ERROR', 'language');
  });
});

test('a context says what could stand in code', async () => {
  const { id } = await sandbox.contexts.create({ language: 'python' });
  await sandbox.execute('import math', { contextId: id });
  const code = 'math.sq + 1';
  expect(await sandbox.contexts.complete(id, code, 7)).toEqual({
    start: 5,
    end: 7,
    matches: [{ text: 'sqrt', kind: 'function' }],
    truncated: false,
  });
  const nowhere = `/sandboxes/${sandbox.id}/contexts/cx${'0'.repeat(20)}/complete`;
  expectRefusal(await api(nowhere, { body: { code } }), 'CONTEXT_NOT_FOUND');
  await sandbox.contexts.delete(id);
});
