/** Output is never lost: readers that are cut, relays that are killed or hand over, through the real stack. */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type LocalStack,
  startLocalStack,
  temporaryDirectory,
} from '../../local/cli/local-stack.ts';
import { api, createSandbox, target } from '../helpers/api.ts';
import { awsProfile } from '../helpers/aws-profile.ts';
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
  let stack: LocalStack;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let logFile: string;
  const short = { LEASE_MS: '1200', RELAY_LIFE_MS: '150' };

  beforeAll(async () => {
    directory = await temporaryDirectory();
    logFile = join(directory.path, 'log');
    stack = await startLocalStack({
      port: 0,
      directory: directory.path,
      persist: false,
      pool: 2,
      isolation: 'auto',
      aws: awsProfile,
      environmentOverrides: {
        executions: { LEASE_MS: short.LEASE_MS, RELAY_LIFE_MS: '250' },
        relay: short,
      },
      progress: () => {},
      log: (name, line) => appendFileSync(logFile, `${name}: ${line}\n`),
    });
  });
  afterAll(async () => {
    await stack?.close();
    await directory?.[Symbol.asyncDispose]();
  });

  const call = async (
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    method = body === undefined ? 'GET' : 'POST',
  ) => {
    const response = await fetch(`${stack.endpoints.baseUrl}${path}`, {
      method,
      headers: {
        'X-API-Key': stack.endpoints.apiKey,
        'Content-Type': 'application/json',
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return ((await response.json()) as { data: { id: string } }).data;
  };

  async function start(
    code: string,
  ): Promise<{ baseUrl: string; apiKey: string; executionId: string }> {
    const { id } = await call('/sandboxes', { runtime: 'python' });
    const execution = await call(`/sandboxes/${id}/execute`, { code }, { Prefer: 'respond-async' });
    return { ...stack.endpoints, executionId: execution.id };
  }

  test('at least ten hand-overs leave the same log', async () => {
    const source = await start(
      'import time\nn = 0\nwhile True:\n    print(n, flush=True)\n    n += 1\n    time.sleep(0.02)',
    );
    const reading = collect((after) => readBySse(source, after, Number.POSITIVE_INFINITY));
    await vi.waitUntil(() => handOversOf(source.executionId) >= 10, {
      timeout: 40_000,
      interval: 50,
    });
    await call(`/executions/${source.executionId}`, undefined, {}, 'DELETE');
    const { events } = await reading;
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const lines = textOf(events).trimEnd().split('\n');
    expect(lines).toEqual(lines.map((_, n) => String(n)));
    expect(events.at(-1)).toMatchObject({ type: 'finished', outcome: 'interrupted' });
  });

  const handOversOf = (executionId: string): number =>
    readFileSync(logFile, 'utf8')
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
          await fetch(`${stack.endpoints.controlUrl}/functions/code-interpreter-${name}/workers`, {
            method: 'DELETE',
            headers: { authorization: `Bearer ${stack.endpoints.controlToken}` },
          });
        }
      }
      return seen;
    });
    expectWhole(events);
    expect(kills).toBe(3);
  });
});
