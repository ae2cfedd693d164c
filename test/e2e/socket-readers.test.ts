/** Watching executions over the WebSocket: readers that come late, twice, slowly, or from elsewhere. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../../contract/events.ts';
import { api, createSandbox, type TestSandbox } from '../helpers/api.ts';
import { account } from '../helpers/refusals.ts';
import { connectSocket, type TestSocket } from '../helpers/socket.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await createSandbox();
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const seqs = (events: readonly Event[]) => events.map(({ seq }) => seq);
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

let files = 0;
/** Code that goes on once the test says so. */
function held(before: string, after: string) {
  const name = `go-${files++}`;
  const wait = `import os, time\nwhile not os.path.exists(${JSON.stringify(name)}): time.sleep(0.01)`;
  const headers = { 'Content-Type': 'application/octet-stream' };
  return {
    code: `${before}\n${wait}\n${after}`,
    go: () =>
      api(`/sandboxes/${sandbox.id}/files?path=${name}`, { method: 'PUT', raw: 'go', headers }),
  };
}

async function startInBackground(code: string): Promise<string> {
  const headers = { Prefer: 'respond-async' };
  const started = await api(`/sandboxes/${sandbox.id}/execute`, { body: { code }, headers });
  expect(started.status).toBe(202);
  return started.json.data.id;
}

async function whole(socket: TestSocket, executionId: string, after = 0): Promise<Event[]> {
  const { payload } = await socket.complete(executionId);
  const events = socket.events(executionId, after);
  expect(seqs(events)).toEqual(upTo(payload.lastSeq).slice(after));
  return events;
}

test('a finished execution is sent from the log, from any cursor', async () => {
  const { id, lastSeq } = await sandbox.run('print("a")\nprint("b")\n1');
  using socket = await connectSocket();
  await socket.ask('subscribe', { executionId: id, after: lastSeq - 1, delivery: 0 }, 'ack');
  expect(await whole(socket, id, lastSeq - 1)).toMatchObject([{ type: 'finished' }]);
});

describe('an execution that runs', () => {
  test('is sent whole to readers of it and of its sandbox, whenever they come', async () => {
    const { code, go } = held('print("early")', 'for n in range(50): print(n)');
    using watcher = await connectSocket();
    await watcher.ask('subscribe', { sandboxId: sandbox.id }, 'ack');
    const id = await startInBackground(code);
    using late = await connectSocket();
    await late.ask('subscribe', { executionId: id, after: 0 }, 'ack');
    await late.hear(({ type }) => type === 'execution.output');
    // Again is from the beginning again: doubles, and nothing is lost.
    await late.ask('subscribe', { executionId: id, after: 0 }, 'ack');
    await go();
    const events = await whole(late, id);
    expect(await whole(watcher, id)).toEqual(events);
    expect(
      watcher.heard.some((m) => m.type === 'execution.start' && m.payload.executionId === id),
    ).toBe(true);
  });

  test('is not held up by a reader that neither acknowledges nor comes for more', async () => {
    using silent = await connectSocket();
    using eager = await connectSocket();
    const code = 'for n in range(100): print("x" * 8000)';
    const { executionId } = await eager.ask(
      'execution.start',
      { sandboxId: sandbox.id, code, delivery: 0 },
      'execution.start',
    );
    await silent.ask('subscribe', { executionId, after: 0, delivery: 1 }, 'ack');
    expect((await whole(eager, executionId)).at(-1)).toMatchObject({ outcome: 'ok' });
    const { payload } = await silent.hear((message) => message.type === 'more');
    const pushed = silent
      .pushed(executionId)
      .reduce((sum, event) => sum + JSON.stringify(event).length, 0);
    expect(pushed).toBeLessThanOrEqual(256 * 1024);
    // Then it comes for the rest itself, answer by answer.
    let after = (payload as { after: number }).after;
    for (let done = false; !done; ) {
      const told = await silent.ask('more', { executionId, after }, 'ack');
      after = told.seq ?? after;
      done = silent.heard.some(({ type }) => type === 'execution.complete');
    }
    await whole(silent, executionId);
  });

  test('refuses an ack of an event that has not come yet', async () => {
    const { code, go } = held('print("one")', '');
    using socket = await connectSocket();
    const { executionId } = await socket.ask(
      'execution.start',
      { sandboxId: sandbox.id, code },
      'execution.start',
    );
    await socket.hear(({ type }) => type === 'execution.output');
    const { error } = await socket.ask('ack', { executionId, seq: 999 }, 'error');
    expect(error.message).toMatch(/seq must be at most \d+/);
    await go();
    await whole(socket, executionId);
    const { error: after } = await socket.ask('ack', { executionId, seq: 999 }, 'error');
    expect(after.code).toBe('VALIDATION_ERROR');
  });

  test('can be interrupted', async () => {
    using socket = await connectSocket();
    const code = 'print("in")\nimport time; time.sleep(60)';
    const start = { sandboxId: sandbox.id, code };
    const { executionId } = await socket.ask('execution.start', start, 'execution.start');
    await socket.hear(() => socket.pushed(executionId).some(({ type }) => type === 'stdout'));
    await socket.ask('execution.interrupt', { executionId }, 'ack');
    expect((await socket.complete(executionId)).payload).toMatchObject({ outcome: 'interrupted' });
  });

  test('does not exist for another tenant', async () => {
    const { id } = await sandbox.run('1');
    const { apiKey } = await account({ action: 'createTenant', name: 'stranger' });
    using stranger = await connectSocket({ apiKey });
    for (const [type, payload] of [
      ['subscribe', { executionId: id }],
      ['unsubscribe', { executionId: id }],
      ['ack', { executionId: id, seq: 1 }],
      ['more', { executionId: id, after: 0 }],
      ['execution.interrupt', { executionId: id }],
    ] as const) {
      const { error } = await stranger.ask(type, payload, 'error');
      expect(error.code).toBe('EXECUTION_NOT_FOUND');
    }
    for (const [type, payload] of [
      ['subscribe', { sandboxId: sandbox.id }],
      ['execution.start', { sandboxId: sandbox.id, code: '1' }],
    ] as const) {
      const { error } = await stranger.ask(type, payload, 'error');
      expect(error.code).toBe('SANDBOX_NOT_FOUND');
    }
    expect(stranger.heard.every(({ type }) => type === 'error')).toBe(true);
  });
});
