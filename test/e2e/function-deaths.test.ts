/**
 * Each function of the template is ended in the middle of its work, held there by the fault switch: whoever asked
 * gets an error that says to ask again, or nothing is lost; afterwards the same request works and nothing is left.
 */
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FUNCTION_NAMES, type FunctionName } from '../../lib/functions/names.ts';
import { type Answer, target } from '../helpers/api.ts';
import { type OwnStack, startOwnStack } from '../helpers/own-stack.ts';
import { collect, readByPoll, textOf } from '../helpers/readers.ts';
import { connectSocket } from '../helpers/socket.ts';

const STACK = 'code-interpreter';
const LINES = 40;
const CHATTY = `
import time
for n in range(${LINES}):
    print(n, flush=True)
    time.sleep(0.05)
`;
const PRINTED = Array.from({ length: LINES }, (_, n) => `${n}\n`).join('');

let stack: OwnStack;
let sandboxId: string;

beforeAll(async () => {
  if (!target.control) return;
  stack = await startOwnStack({
    environmentOverrides: {
      executions: { LEASE_MS: '1000', RELAY_LIFE_MS: '600' },
      relay: { LEASE_MS: '1000', RELAY_LIFE_MS: '30000' },
      files: { TRANSFER_LEASE_MS: '1000', TRANSFER_WAIT_MS: '500' },
      transfer: { TRANSFER_LEASE_MS: '1000' },
    },
    asyncRetryDelaysMs: [50, 50],
  });
  sandboxId = (await stack.createSandbox()).id;
});
afterAll(() => stack?.[Symbol.asyncDispose]());

/** Where a function is held, and the request that brings it there. */
interface Death {
  /** Over any AWS call of the function. */
  readonly at?: Record<string, unknown>;
  /** What must be there before. */
  readonly prepare?: () => Promise<void>;
  /** Begins the work; what it resolves to is the client's. */
  readonly begin: () => Promise<unknown>;
  /** What the client has of it once the function is ended, and how it is made good. */
  readonly after: (begun: Promise<unknown>) => Promise<void>;
}

/** How many have that name; a list may be half a second behind. */
async function listed(path: string, name: string): Promise<number> {
  const { items } = (await stack.api(path)).json.data;
  return items.filter((item: { name?: string }) => item.name === name).length;
}

const at = (path: string) => `/sandboxes/${sandboxId}/${path}`;
const keyed = () => ({ 'Idempotency-Key': randomUUID() });

/** A request that is refused as one to repeat, and works when it is repeated. */
function repeated(ask: () => Promise<Answer>, works: (answer: Answer) => unknown): Death {
  return {
    begin: ask,
    after: async (begun) => {
      const { status, json } = (await begun) as Answer;
      expect([500, 502, 503]).toContain(status);
      expect(json).toMatchObject({ success: false, error: { retryable: true } });
      await works(await ask());
    },
  };
}

async function startChatty(id: string): Promise<string> {
  const started = await stack.api(`/sandboxes/${id}/execute`, {
    body: { code: CHATTY },
    headers: { Prefer: 'respond-async' },
  });
  expect(started.status).toBe(202);
  return started.json.data.id;
}

async function expectWhole(executionId: string): Promise<void> {
  const { events } = await collect((after) =>
    readByPoll({ ...stack.deployment, executionId }, after, 20_000),
  );
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(textOf(events)).toBe(PRINTED);
  expect(events.at(-1)).toMatchObject({ type: 'finished', outcome: 'ok' });
}

/** An execution is started, and its writer held at the log. */
const writing: Omit<Death, 'at'> = {
  begin: () => startChatty(sandboxId),
  after: async (begun) => expectWhole((await begun) as string),
};
const atLog = { service: 'dynamodb', resource: '*utput*' };

const poolIsFull = () =>
  expect
    .poll(
      async () => {
        await stack.control(`/functions/${STACK}-pool/invoke`, {
          method: 'POST',
          body: { task: 'minute' },
        });
        const { payload } = await stack.control(`/functions/${STACK}-pool/invoke`, {
          method: 'POST',
          body: { task: 'level' },
        });
        return payload.pools.every(
          (pool: { free: number; target: number }) => pool.free === pool.target,
        );
      },
      { timeout: 15_000, interval: 100 },
    )
    .toBe(true);

const bytes = Buffer.alloc(100_000, 'transfer ');

async function upload(): Promise<string> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const begun = await stack.api(at('uploads'), {
    body: { path: 'up.bin', sizeBytes: bytes.length, sha256 },
  });
  const { id, url, headers } = begun.json.data;
  expect((await fetch(url, { method: 'PUT', body: bytes, headers })).status).toBe(200);
  await stack.api(at(`uploads/${id}/complete`), { method: 'POST' });
  return id;
}

const DEATHS: Readonly<Record<FunctionName, () => Death>> = {
  account: () => {
    const name = randomUUID();
    const headers = keyed();
    const ask = () => stack.api('/keys', { body: { name, role: 'viewer' }, headers });
    return repeated(ask, async ({ status }) => {
      // 200 where what came late had made it.
      expect([200, 201]).toContain(status);
      await expect.poll(() => listed('/keys', name)).toBe(1);
    });
  },
  authorizer: () =>
    repeated(
      () => stack.api('/sandboxes'),
      ({ status }) => expect(status).toBe(200),
    ),
  sandboxes: () => {
    const name = randomUUID();
    const headers = keyed();
    const ask = () => stack.api('/sandboxes', { body: { runtime: 'python', name }, headers });
    return repeated(ask, async ({ status, json }) => {
      expect([201, 202]).toContain(status);
      await expect.poll(() => listed('/sandboxes', name)).toBe(1);
      await stack.api(`/sandboxes/${json.data.id}`, { method: 'DELETE' });
      expect(await stack.untilStatus(json.data.id, 'stopped')).toMatchObject({
        endReason: 'terminated',
      });
    });
  },
  executions: () => ({ ...writing, at: atLog }),
  relay: () => ({ ...writing, at: atLog }),
  files: () => {
    const path = at(`files?path=${randomUUID()}`);
    const ask = () =>
      stack.api(path, {
        method: 'PUT',
        raw: 'content',
        headers: { 'Content-Type': 'application/octet-stream' },
      });
    return repeated(ask, async ({ status }) => expect([200, 201]).toContain(status));
  },
  transfer: () => ({
    begin: upload,
    after: async (begun) => {
      const id = (await begun) as string;
      const ask = () => stack.api(at(`uploads/${id}/complete`), { method: 'POST' });
      await expect
        .poll(async () => (await ask()).json.data.state, { timeout: 15_000 })
        .toBe('done');
    },
  }),
  socket: () => {
    const id = randomUUID();
    let socket: Awaited<ReturnType<typeof connectSocket>>;
    const send = () => socket.send('execution.start', { sandboxId, code: CHATTY }, { id });
    return {
      // Starting is its only call: `relay` does the rest.
      at: { service: 'lambda' },
      prepare: async () => {
        socket = await connectSocket({}, stack.deployment);
      },
      begin: async () => send(),
      after: async () => {
        using client = socket;
        await expect.poll(() => client.failures, { timeout: 10_000 }).toHaveLength(1);
        send();
        const { executionId } = await client.answer(id, 'execution.start');
        await expectWhole(executionId);
      },
    };
  },
  'agent-gateway': () => ({ begin: () => startChatty(sandboxId), after: writing.after }),
  'agent-gateway-open': () => ({
    begin: async () => {
      const open = await stack.createSandbox({ network: { access: 'internet' } });
      return startChatty(open.id);
    },
    after: writing.after,
  }),
  lifecycle: () => ({
    begin: async () => {
      const { id } = await stack.createSandbox();
      await stack.api(`/sandboxes/${id}`, { method: 'DELETE' });
      return id;
    },
    after: async (begun) => {
      const id = (await begun) as string;
      expect(await stack.untilStatus(id, 'stopped')).toMatchObject({ endReason: 'terminated' });
    },
  }),
  pool: () => ({
    begin: () =>
      stack.control(`/functions/${STACK}-pool/invoke`, {
        method: 'POST',
        body: { task: 'minute' },
      }),
    after: async () => poolIsFull(),
  }),
  'task-events': () => ({
    begin: async () =>
      stack.api('/sandboxes', {
        body: { runtime: 'python', resources: { cpu: 0.5, memoryMb: 1024 } },
      }),
    after: async (begun) => {
      const { id } = ((await begun) as Answer).json.data;
      await stack.untilStatus(id, 'running');
      await stack.api(`/sandboxes/${id}`, { method: 'DELETE' });
      await stack.untilStatus(id, 'stopped');
    },
  }),
};

const dies = (name: string) =>
  stack.control(`/functions/${STACK}-${name}/workers`, { method: 'DELETE' });

async function workersOf(name: string): Promise<{ state: string }[]> {
  const { functions } = await stack.control('/functions');
  return functions.find(
    ({ functionName }: { functionName: string }) => functionName === `${STACK}-${name}`,
  ).workers;
}

/** Its code calls no AWS API that could be held: it carries what an agent streams. */
const CARRIERS: readonly FunctionName[] = ['agent-gateway', 'agent-gateway-open'];

describe.runIf(target.control)('ended in the middle of its work,', () => {
  test('every function that is deployed is in the table', async () => {
    const { functions } = await stack.control('/functions');
    const names = functions.map(({ functionName }: { functionName: string }) =>
      functionName.slice(STACK.length + 1),
    );
    expect(Object.keys(DEATHS).sort()).toEqual(names.sort());
  });

  test.each(FUNCTION_NAMES.filter((name) => !CARRIERS.includes(name)))(
    '%s loses nothing: what it was asked for works when it is asked for again',
    async (name) => {
      const death = DEATHS[name]();
      await death.prepare?.();
      // Whoever remembers an answer would not be held.
      await dies(name);
      const rule = {
        service: 'dynamodb',
        function: `${STACK}-${name}`,
        ...death.at,
        fault: { type: 'delay', ms: 600_000 },
      };
      await stack.control('/faults', { method: 'POST', body: rule });
      const begun = death.begin();
      begun.catch(() => {});
      try {
        const held = async () => (await stack.control('/faults')).faults[0].held;
        await expect.poll(held, { timeout: 10_000, interval: 10 }).toBeGreaterThan(0);
        expect((await dies(name)).terminated.length).toBeGreaterThan(0);
      } finally {
        // Now comes late what the dead function had asked for.
        await stack.control('/faults', { method: 'DELETE' });
      }
      await death.after(begun);
    },
  );

  test.each(CARRIERS)('%s loses nothing: what it carried is carried on', async (name) => {
    const death = DEATHS[name]();
    const begun = death.begin();
    const executionId = (await begun) as string;
    const seen = async () =>
      (await readByPoll({ ...stack.deployment, executionId }, 0, 20_000)).length;
    await expect.poll(seen, { timeout: 10_000 }).toBeGreaterThan(1);
    await expect
      .poll(async () => (await workersOf(name)).some(({ state }) => state === 'busy'))
      .toBe(true);
    await dies(name);
    await death.after(begun);
  });

  test('after all of it the pool is full and only the sandboxes of this file are left', async () => {
    const running = async () => {
      // A list may be half a second behind.
      const { items } = (await stack.api('/sandboxes?status=running')).json.data;
      for (const { id } of items) await stack.api(`/sandboxes/${id}`, { method: 'DELETE' });
      const { executions } = await stack.control('/executions');
      return executions.filter(({ status }: { status: string }) => status === 'RUNNING').length;
    };
    await expect.poll(running, { timeout: 15_000 }).toBe(0);
    await poolIsFull();
  });
});
