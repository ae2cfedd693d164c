/** Output is never lost: readers that are cut, relays that are killed or hand over, through the real stack. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { api, createSandbox, target } from '../helpers/api.ts';
import { type OwnStack, startOwnStack } from '../helpers/own-stack.ts';
import { collect, readByPoll, readBySse, textOf } from '../helpers/readers.ts';

const LINES = 1_500;
/** Output in sixty uneven bursts, this many seconds apart. */
const chatty = (pauseSeconds: number) => `
import time
for n in range(${LINES}):
    print(n, "é" * (n % 40), flush=n % 7 == 0)
    if n % 25 == 0: time.sleep(${pauseSeconds})
`;
const PRINTED = Array.from({ length: LINES }, (_, n) => `${n} ${'é'.repeat(n % 40)}\n`).join('');

function expectWhole(
  events: readonly { seq: number; type: string; outcome?: string; text?: string }[],
) {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(textOf(events)).toBe(PRINTED);
  expect(events.at(-1)).toMatchObject({ type: 'finished', outcome: 'ok' });
}

async function startChatty(sandboxId: string): Promise<string> {
  const started = await api(`/sandboxes/${sandboxId}/execute`, {
    body: { code: chatty(0.05) },
    headers: { Prefer: 'respond-async' },
  });
  expect(started.status).toBe(202);
  return started.json.data.id;
}

describe('a reader that is cut at 50 random points', () => {
  test('by SSE loses nothing and doubles nothing', async () => {
    await using sandbox = await createSandbox();
    const source = { ...target, executionId: await startChatty(sandbox.id) };
    const { events, reads } = await collect((after, attempt) =>
      readBySse(
        source,
        after,
        attempt <= 50 ? Math.ceil(Math.random() * 3_000) : Number.POSITIVE_INFINITY,
      ),
    );
    expectWhole(events);
    expect(reads).toBeGreaterThan(50);
  });

  test('by long poll loses nothing and doubles nothing', async () => {
    await using sandbox = await createSandbox();
    const source = { ...target, executionId: await startChatty(sandbox.id) };
    const { events, reads } = await collect((after, attempt) =>
      readByPoll(source, after, attempt <= 50 ? Math.ceil(Math.random() * 60) : 20_000),
    );
    expectWhole(events);
    expect(reads).toBeGreaterThan(50);
  });
});

test.skipIf(!target.control)(
  'a finished execution reads the same from any cursor, again and again',
  async () => {
    await using sandbox = await createSandbox();
    const { id } = await sandbox.run('for n in range(200): print(n)');
    const source = { ...target, executionId: id };
    const { events: whole } = await collect((after) =>
      readBySse(source, after, Number.POSITIVE_INFINITY),
    );
    for (const after of [0, 1, Math.floor(whole.length / 2), whole.length - 1]) {
      const { events } = await collect(() => readByPoll(source, after, 20_000));
      expect(events).toEqual(whole.slice(after));
    }
    const beyond = await api(`/executions/${id}/events?after=${whole.length}`);
    expect(beyond.json.data).toEqual({ items: [], nextCursor: whole.length, finished: true });
  },
);

describe.skipIf(!target.control)('with short leases and short-lived relays', () => {
  let stack: OwnStack;
  beforeAll(async () => {
    stack = await startOwnStack({
      environmentOverrides: {
        executions: { LEASE_MS: '1200', RELAY_LIFE_MS: '250' },
        relay: { LEASE_MS: '1200', RELAY_LIFE_MS: '150' },
      },
    });
  });
  afterAll(() => stack?.[Symbol.asyncDispose]());

  async function start(code: string) {
    const { id } = await stack.createSandbox();
    const started = await stack.api(`/sandboxes/${id}/execute`, {
      body: { code },
      headers: { Prefer: 'respond-async' },
    });
    return { ...stack.deployment, executionId: started.json.data.id as string };
  }

  test('at least ten hand-overs leave the same log', async () => {
    const source = await start(
      'import time\nn = 0\nwhile True:\n    print(n, flush=True)\n    n += 1\n    time.sleep(0.02)',
    );
    const reading = collect((after) => readBySse(source, after, Number.POSITIVE_INFINITY));
    const waits = { timeout: 40_000, interval: 50 };
    // A context takes its time to start, and relays hand over meanwhile: those do not count.
    await vi.waitUntil(() => hasPrinted(source.executionId), waits);
    const before = handOversOf(source.executionId);
    await vi.waitUntil(() => handOversOf(source.executionId) >= before + 10, waits);
    await stack.api(`/executions/${source.executionId}`, { method: 'DELETE' });
    const { events } = await reading;
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const lines = textOf(events).trimEnd().split('\n');
    expect(lines).toEqual(lines.map((_, n) => String(n)));
    expect(events.at(-1)).toMatchObject({ type: 'finished', outcome: 'interrupted' });
  });

  async function hasPrinted(executionId: string): Promise<boolean> {
    const { json } = await stack.api(`/executions/${executionId}/events?after=0`);
    return json.data.items.some(({ type }: { type: string }) => type === 'stdout');
  }

  const handOversOf = (executionId: string): number =>
    readFileSync(stack.deployment.logFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes(executionId) && line.includes('"handed_over"')).length;

  test('a relay whose worker ends in the middle is taken over, and the log is the same', async () => {
    const source = await start(chatty(0.05));
    let kills = 0;
    const { events } = await collect(async (after, attempt) => {
      const seen = await readBySse(source, after, 4_000);
      if (attempt % 4 === 0 && kills < 3) {
        kills++;
        for (const name of ['executions', 'relay']) {
          const path = `/functions/code-interpreter-${name}/workers`;
          await stack.control(path, { method: 'DELETE' });
        }
      }
      return seen;
    });
    expectWhole(events);
    expect(kills).toBe(3);
  });
});
