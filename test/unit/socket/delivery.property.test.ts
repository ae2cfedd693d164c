/**
 * What delivery promises: whenever a reader comes, however slow it is, whoever pushes, its events
 * are those after its cursor, each once and in order, never more than the window unacknowledged,
 * and the end; and no relay ends later because somebody reads.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FromServer, readFromServer } from '../../../contract/socket/from-server.ts';
import { SOCKET_LIMITS } from '../../../contract/socket/limits.ts';
import { LogReader } from '../../../core/output/log-reader.ts';
import { acknowledge, more, subscribe } from '../../../core/socket/subscribe.ts';
import { printed, SocketWorld } from '../../helpers/socket-world.ts';

const Client = fc.record({
  comesMs: fc.oneof(fc.constant(0), fc.nat(1_500), fc.nat(8_000)),
  whole: fc.boolean(),
  afterShare: fc.constantFrom(0, 0, 0.5, 1),
  delivery: fc.constantFrom(0 as const, 1 as const),
  /** How long it takes to receive a message. */
  receiveMs: fc.oneof(fc.constant(0), fc.nat(50), fc.nat(2_000)),
  /** From a message to its ack; never where undefined. */
  ackMs: fc.oneof(fc.constant(0), fc.nat(400), fc.nat(4_000), fc.constant(undefined)),
  /** It is gone at its n-th message. */
  goneAt: fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.nat(5) },
  ),
  /** Every n-th post fails, though it may have arrived. */
  failEach: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: 4 }) },
  ),
});
type Client = typeof Client extends fc.Arbitrary<infer T> ? T : never;

const scenario = fc.record({
  sizes: fc.oneof(
    {
      weight: 3,
      arbitrary: fc.array(
        fc.oneof(
          { weight: 8, arbitrary: fc.nat(2_000) },
          { weight: 3, arbitrary: fc.constant(16_000) },
          { weight: 1, arbitrary: fc.constant(40_000) },
        ),
        { maxLength: 60 },
      ),
    },
    // More than a window.
    { weight: 1, arbitrary: fc.array(fc.constant(16_000), { minLength: 20, maxLength: 60 }) },
  ),
  gaps: fc.array(fc.oneof(fc.nat(20), fc.nat(300)), { minLength: 61, maxLength: 61 }),
  lifeMs: fc.constantFrom(700, 2_500, 1_000_000),
  writeMs: fc.constantFrom(0, 5, 400),
  clients: fc.array(Client, { minLength: 1, maxLength: 5 }),
});

test('every reader gets its events once each in order, in its own pace', async () => {
  await fc.assert(fc.asyncProperty(scenario, check), { numRuns: 150, endOnFailure: true });
}, 60_000);

async function check({
  sizes,
  gaps,
  lifeMs,
  writeMs,
  clients,
}: typeof scenario extends fc.Arbitrary<infer T> ? T : never) {
  const events = printed(sizes);
  let dueMs = 0;
  const emittedMs = events.map((_, index) => (dueMs += gaps[index] ?? 0));
  const alone = new SocketWorld({ events, emittedMs, lifeMs: 1_000_000 });
  const unread = alone.start().then(() => alone.clock.nowMs());
  const endsMs = await alone.clock.run(unread);

  const world = new SocketWorld({ events, emittedMs, lifeMs, writeMs });
  let finishedMs = 0;
  const finish = world.log.executions.finish;
  Object.assign(world.log.executions, {
    finish: async (...args: Parameters<typeof finish>) => {
      finishedMs ||= world.clock.nowMs();
      return finish(...args);
    },
  });
  const watching = clients.map((client, index) => watch(world, events.length, client, `c${index}`));
  world.background.push(world.start());
  await world.clock.run(Promise.all(watching));
  if (lifeMs === 1_000_000) expect(finishedMs).toBeLessThanOrEqual(endsMs);
  await world.clock.run(settled(world.background));
  expect(
    [...world.subscriptions.rows.values()].filter(({ target }) => target === world.execution.id),
  ).toEqual([]);
}

async function settled(works: Promise<unknown>[]): Promise<void> {
  for (let done = 0; done < works.length; ) {
    const now = works.length;
    await Promise.all(works.slice(done));
    done = now;
  }
}

/** A client that keeps to the contract; resolves when it has all, or is gone. */
async function watch(
  world: SocketWorld,
  lastSeq: number,
  client: Client,
  id: string,
): Promise<void> {
  const { clock, socket, execution } = world;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const after = client.whole ? 0 : Math.floor(client.afterShare * lastSeq);
  const state = {
    have: after,
    acked: after,
    pushedBytes: 0,
    posts: 0,
    underWay: 0,
    /** Answers to `more` under way; one may bring the next. */
    pulls: 0,
  };
  const ask = (work: Promise<unknown>) => void work.catch(reject);

  const take = (message: FromServer) => {
    if (message.type === 'execution.output') {
      for (const event of message.payload.events) {
        if (event.seq > state.have + 1) reject(new Error(`seq ${event.seq} after ${state.have}`));
        if (event.seq !== state.have + 1) continue;
        state.have = event.seq;
        if (state.pulls === 0) state.pushedBytes += JSON.stringify(event).length;
      }
      if (client.delivery > 0 && state.pushedBytes > SOCKET_LIMITS.unacknowledgedBytes)
        reject(new Error(`${state.pushedBytes} bytes unacknowledged`));
      if (client.delivery > 0 && client.ackMs !== undefined)
        ask(ackLater(state.have, client.ackMs));
    }
    if (message.type === 'more') ask(pull(message.payload.via));
    if (message.type === 'error' || message.type === 'execution.error')
      reject(new Error(JSON.stringify(message.payload)));
    if (message.type === 'execution.complete') {
      if (state.have < lastSeq && after < lastSeq)
        reject(new Error(`complete after ${state.have}`));
      resolve();
    }
  };

  const ackLater = async (seq: number, ms: number) => {
    await clock.sleep(ms);
    await acknowledge(socket, { executionId: execution.id, seq }, world.asker(id));
    if (seq > state.acked) state.pushedBytes = 0;
    state.acked = Math.max(state.acked, seq);
  };

  const pull = async (via: 'socket' | 'rest') => {
    state.pulls += 1;
    state.pushedBytes = 0;
    if (via === 'rest') await readOne();
    await more(socket, { executionId: execution.id, after: state.have }, world.asker(id));
    state.pulls -= 1;
  };

  /** As readEvents would. */
  const readOne = async () => {
    const reader = new LogReader(socket, execution.id, state.have);
    for (;;) {
      const [event] = await reader.next(true);
      if (event) {
        state.have = event.seq;
        return;
      }
      await clock.sleep(50);
    }
  };

  world.connections.clients.set(id, async (text) => {
    state.underWay += 1;
    state.posts += 1;
    const mine = state.posts;
    if (text.length > SOCKET_LIMITS.messageBytes) reject(new Error(`${text.length} characters`));
    if (client.receiveMs > 0) await clock.sleep(client.receiveMs);
    state.underWay -= 1;
    if (client.goneAt !== undefined && mine > client.goneAt) {
      resolve();
      return 'gone';
    }
    const message = readFromServer(JSON.parse(text));
    if (!message) reject(new Error(text.slice(0, 200)));
    else take(message);
    if (client.failEach > 0 && mine % client.failEach === 0) throw new Error('no answer');
    return 'sent';
  });

  await clock.sleep(client.comesMs);
  const wanted = client.whole
    ? { sandboxId: world.sandbox.id, delivery: client.delivery }
    : { executionId: execution.id, after, delivery: client.delivery };
  await subscribe(socket, wanted, world.asker(id));
  // Of a sandbox only what then runs is sent.
  if (client.whole && world.log.record.status !== 'running') return;
  // Whoever never acknowledges is sent all of it again; and may in the end have to come for it.
  await promise;
}

test('an ack of what is not there yet is refused by whoever relays next, and nothing is left out for it', async () => {
  const events = printed(Array.from({ length: 20 }, () => 10));
  const emittedMs = events.map((_, index) => index * 300);
  const world = new SocketWorld({ events, emittedMs, lifeMs: 700 });
  const heard: FromServer[] = [];
  const { clock, socket, execution } = world;
  const asker = world.asker('c');
  world.connections.clients.set('c', async (text) => {
    const message = readFromServer(JSON.parse(text));
    if (message) heard.push(message);
    return 'sent';
  });
  const client = async () => {
    await subscribe(socket, { executionId: execution.id, after: 0, delivery: 1 }, asker);
    // Between two relays: the one has looked for acks the last time.
    await clock.sleep(690);
    await acknowledge(socket, { executionId: execution.id, seq: 999 }, asker);
    while (!heard.some(({ type }) => type === 'execution.complete')) await clock.sleep(100);
  };
  world.background.push(world.start());
  await world.clock.run(client());
  const refused = heard.filter(({ type }) => type === 'error');
  expect(refused).toMatchObject([{ correlationId: asker.messageId }]);
  const seqs = heard.flatMap((message) =>
    message.type === 'execution.output' ? message.payload.events.map(({ seq }) => seq) : [],
  );
  expect([...new Set(seqs)]).toEqual(events.map(({ seq }) => seq));
});
