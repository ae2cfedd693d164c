/** A result that is too large to stand inline, by every way that it is read. */
import { CodeInterpreter, type Sandbox } from '@code-interpreter/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { api, target } from '../helpers/api.ts';
import { expectRefusal } from '../helpers/refusals.ts';

const { baseUrl, apiKey } = target;
const CODE = '"x" * 1_000_000';
const TEXT = `'${'x'.repeat(1_000_000)}'`;

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await new CodeInterpreter({ baseUrl, apiKey }).createSandbox({ runtime: 'python' });
});
afterAll(() => sandbox.terminate());

test('is told by reference in an answer and in its events, and read whole, also later', async () => {
  const run = await api(`/sandboxes/${sandbox.id}/execute`, { body: { code: CODE } });
  const { id, results } = run.json.data;
  const [{ data, ref }] = results;
  expect([data, ref.executionId, ref.sizeBytes > 1_000_000]).toEqual([undefined, id, true]);
  expect((await api(`/executions/${id}`)).json.data.results).toEqual(results);
  const events = (await api(`/executions/${id}/events`)).json.data.items;
  expect(events.find(({ type }: { type: string }) => type === 'result')).toMatchObject({ ref });
  const whole = await api(ref.url);
  expect(whole.json.data.main).toBe(true);
  expect(whole.json.data.data['text/plain'] === TEXT).toBe(true);
  expectRefusal(await api(`/executions/${id}/results/1`), 'NOT_FOUND');
  expectRefusal(await api(`/executions/${id}/results/0`), 'VALIDATION_ERROR', 'seq');
});

test.each(['websocket', 'sse'] as const)('comes whole to the SDK over %s', async (transport) => {
  const client = new CodeInterpreter({ baseUrl, apiKey, transport });
  const own = await client.getSandbox(sandbox.id);
  const { results } = await own.execute(CODE);
  expect(results[0]?.data?.['text/plain'] === TEXT).toBe(true);
  for await (const event of own.run(CODE)) {
    if (event.type !== 'result') continue;
    expect(event.data).toBeUndefined();
    expect((await own.readResult(event))['text/plain'] === TEXT).toBe(true);
  }
});
