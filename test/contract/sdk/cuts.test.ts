/** Any cut at any byte, any number of times, over either transport: each event once, in order. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeApi, type FakeExecution, type Scripted, started } from '../../helpers/fake-api.ts';
import { type Cut, sse } from '../../helpers/fake-execution.ts';
import { QUICK, quickSandbox } from '../../helpers/sdk.ts';

const SCRIPT: Scripted[] = [
  { type: 'stdout', text: 'zwölf 十二 🦊\n' },
  { type: 'stderr', text: 'data: not a field\n\nevent: end\n\n' },
  { type: 'heard_of_later', text: 'a type that this version does not know' },
  { type: 'stdout', base64: '//4=' },
  { type: 'result', main: true, data: { 'text/plain': '42', 'application/json': { a: [1] } } },
  { type: 'error', name: 'ValueError', value: 'no', traceback: 'line\r\nline' },
  { type: 'stdout', text: 'x'.repeat(2_000) },
];

function play(execution: FakeExecution): void {
  execution.emit(started(execution), ...SCRIPT);
  execution.finish('error');
}

/** What a reader of this version gets of a log. */
const known = (execution: FakeExecution) =>
  execution.log.filter(({ type }) => type !== 'heard_of_later');

const cut = (maxBytes: number): fc.Arbitrary<Cut> =>
  fc.record({
    afterBytes: fc.oneof(fc.nat({ max: maxBytes }), fc.nat({ max: 30 })),
    how: fc.constantFrom('reset' as const, 'end' as const),
  });

async function readAll(fake: FakeApi, giveUpMs = QUICK.giveUpMs): Promise<unknown[]> {
  const { sandbox } = await quickSandbox(fake, { giveUpMs });
  const events: unknown[] = [];
  for await (const event of sandbox.run('1')) events.push(event);
  return events;
}

for (const streams of ['on', 'json'] as const) {
  const transport = streams === 'on' ? 'a stream' : 'long polling';

  test(`${transport} that is cut at any byte, any number of times, gives each event once in order`, async () => {
    await using fake = await FakeApi.start({ onExecute: play, streams });
    const property = fc.asyncProperty(
      fc.array(cut(4_000), { maxLength: 12 }),
      fc.nat({ max: 3 }),
      fc.integer({ min: 1, max: 12 }),
      async (cuts, overlap, pageSize) => {
        Object.assign(fake.behaviour, { cuts: [...cuts], overlap, pageSize });
        fake.executions.clear();
        const events = await readAll(fake);
        const [execution] = fake.executions.values();
        expect(events).toEqual(known(execution!));
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });
}

test('a WebSocket that is cut after any message, any number of times, gives each event once in order', async () => {
  await using fake = await FakeApi.start({ onExecute: play, sockets: 'on' });
  const property = fc.asyncProperty(
    fc.array(fc.nat({ max: 9 }), { maxLength: 8 }),
    fc.nat({ max: 3 }),
    fc.integer({ min: 1, max: 4 }),
    fc.nat({ max: 2 }),
    fc.nat({ max: 1 }),
    async (socketCuts, overlap, messageEvents, lostMessages, gatewayErrors) => {
      const odds = { overlap, messageEvents, lostMessages, gatewayErrors };
      Object.assign(fake.behaviour, { ...odds, socketCuts: [...socketCuts] });
      fake.executions.clear();
      const events = await readAll(fake);
      const [execution, ...others] = fake.executions.values();
      expect(events).toEqual(known(execution!));
      expect(others).toEqual([]);
    },
  );
  await fc.assert(property, { numRuns: 60 });
  expect(fake.socket.count('execution.start')).toBeGreaterThan(60);
});

test('a stream resumes from a cut at each single byte of its first and last events', async () => {
  await using fake = await FakeApi.start({ onExecute: play });
  await readAll(fake);
  const [first] = fake.executions.values();
  const length = Buffer.byteLength(first!.log.map(sse).join(''));
  // All of the first and last bytes, where every kind of line is, and some of the long text.
  const places = Array.from({ length }, (_, byte) => byte).filter(
    (byte) => byte < 120 || byte > length - 120 || byte % 61 === 0,
  );
  for (const afterBytes of places) {
    fake.behaviour.cuts = [{ afterBytes, how: afterBytes % 2 === 0 ? 'end' : 'reset' }];
    fake.executions.clear();
    expect(await readAll(fake), `cut after byte ${afterBytes}`).toEqual(known(first!));
  }
});

for (const streams of ['on', 'json'] as const) {
  const transport = streams === 'on' ? 'a stream' : 'long polling';

  test(`fifty cuts of live output over ${transport} lose nothing and double nothing`, async () => {
    await using fake = await FakeApi.start({ onExecute: printLive, streams });
    fake.behaviour.cuts = Array.from({ length: 50 }, (_, i) => ({
      afterBytes: (i * 131) % 900,
      how: i % 3 === 0 ? ('end' as const) : ('reset' as const),
    }));
    const { sandbox } = await quickSandbox(fake);
    const { stdout, outcome } = await sandbox.execute('1');
    expect(outcome).toBe('ok');
    expect(stdout).toBe(Array.from({ length: 800 }, (_, i) => `${i + 1}\n`).join(''));
    expect(fake.behaviour.cuts).toEqual([]);
  });
}

function printLive(execution: FakeExecution): void {
  execution.emit(started(execution));
  let lines = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < 4; i += 1) execution.emit({ type: 'stdout', text: `${(lines += 1)}\n` });
    if (lines < 800) return;
    clearInterval(timer);
    execution.finish();
  }, 2);
}
