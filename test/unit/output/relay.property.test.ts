/**
 * The log's promise: whatever is cut, killed, stalled or handed over, the log holds each event once
 * and in order, every reader gets it so from any cursor, and the execution ends once.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Event } from '../../../contract/events.ts';
import { followLog } from '../../../core/output/follow-log.ts';
import { LogReader } from '../../../core/output/log-reader.ts';
import type { RelayDeps } from '../../../core/output/relay-output.ts';
import { relayOutput } from '../../../core/output/relay-output.ts';
import { takeOver } from '../../../core/output/take-over.ts';
import type { Ids } from '../../../core/ports.ts';
import { memoryAgent } from '../../helpers/memory-agent.ts';
import { MemoryLog } from '../../helpers/memory-log.ts';
import { MemoryConnections, MemorySubscriptions } from '../../helpers/memory-sockets.ts';
import { iso, runningExecution, sandboxId, tenantId } from '../../helpers/records.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

const LEASE_MS = 3_000;
const address = { host: 'a', network: 'none' } as const;

const at = '2026-01-01T00:00:00.000Z';
function events(sizes: readonly number[]): Event[] {
  const printed = sizes.map((size, index) => ({
    seq: index + 1,
    at,
    type: 'stdout' as const,
    text: 'x'.repeat(size),
  }));
  const finished = {
    seq: sizes.length + 1,
    at,
    type: 'finished' as const,
    outcome: 'ok' as const,
    exitCode: 0,
    metrics: { wallMs: 1 },
  };
  return [...printed, finished];
}

/** What may befall a relay at its n-th call of a store: nothing, a stall of this long, or its end. */
const Fate = fc.record({
  afterCalls: fc.nat(20),
  what: fc.oneof(fc.constant('end' as const), fc.integer({ min: 1, max: 3 * LEASE_MS })),
});
type Fate = typeof Fate extends fc.Arbitrary<infer T> ? T : never;

const scenario = fc.record({
  sizes: fc.array(
    fc.oneof({ weight: 8, arbitrary: fc.nat(200) }, { weight: 1, arbitrary: fc.constant(40_000) }),
    { maxLength: 40 },
  ),
  gaps: fc.array(
    fc.oneof({ weight: 4, arbitrary: fc.nat(30) }, { weight: 1, arbitrary: fc.nat(700) }),
    { minLength: 41, maxLength: 41 },
  ),
  cuts: fc.array(fc.nat(10), { maxLength: 8 }),
  fates: fc.array(Fate, { maxLength: 6 }),
  lifeMs: fc.constantFrom(600, 2_500, 1_000_000),
  readers: fc.array(
    fc.record({ afterShare: fc.double({ min: 0, max: 1, noNaN: true }), comesMs: fc.nat(8_000) }),
    { maxLength: 3 },
  ),
});

test('any split, any cut, any order of takeover gives the log once each in order', async () => {
  await fc.assert(fc.asyncProperty(scenario, check), { numRuns: 200 });
});

async function check({
  sizes,
  gaps,
  cuts,
  fates,
  lifeMs,
  readers,
}: typeof scenario extends fc.Arbitrary<infer T> ? T : never) {
  const clock = new VirtualClock();
  const all = events(sizes);
  let dueMs = 0;
  const emittedMs = all.map((_, index) => (dueMs += gaps[index] ?? 0));
  const sandbox = { id: sandboxId(), tenantId: tenantId() };
  const execution = runningExecution(sandbox, {
    createdAt: iso(clock.nowMs()),
    lease: { owner: 'first', epoch: 1, until: iso(clock.nowMs() + LEASE_MS) },
  });
  const log = new MemoryLog(execution);
  const gateway = memoryAgent(clock, { events: all, emittedMs, cuts });
  const remaining = [...fates];
  const background: Promise<unknown>[] = [];
  const ids = { jitter: (max: number) => max / 2, owner: () => 'next' } as unknown as Ids;
  const healthy = { output: log.output, segments: log.segments, executions: log.executions };
  const relays = {
    start: async (request: Parameters<RelayDeps['relays']['start']>[0]) => {
      background.push(takeOver({ ...relayDeps(), ids }, request).catch(() => {}));
    },
  };
  function relayDeps(): RelayDeps {
    const fate = remaining.shift();
    const stores = fate ? befallen(healthy, fate, clock) : healthy;
    return {
      ...(stores as typeof healthy & Pick<RelayDeps, 'executions'>),
      sandboxes: {
        get: async () => ({ ...sandbox, status: 'running', task: { address } }),
      } as never,
      gateway,
      relays,
      connections: new MemoryConnections(),
      subscriptions: new MemorySubscriptions(),
      sockets: { remove: async () => {} },
      clock,
      ids,
      leaseMs: LEASE_MS,
      relayLifeMs: lifeMs,
    };
  }
  const follow = { ...healthy, relays, clock, leaseMs: LEASE_MS };
  const read = async (after: number, comesMs: number) => {
    await clock.sleep(comesMs);
    const got: Event[] = [];
    const untilMs = clock.nowMs() + 600_000;
    for await (const page of followLog(follow, { execution: log.record, after, untilMs }))
      got.push(...page);
    expect(got.map(({ seq }) => seq)).toEqual(all.slice(after).map(({ seq }) => seq));
  };

  background.push(
    relayOutput(relayDeps(), {
      execution,
      target: { address, token: 't' },
      after: 0,
      hop: 0,
      watched: false,
    }).catch(() => {}),
  );
  const cursors = readers.map(({ afterShare, comesMs }) =>
    read(Math.floor(afterShare * (all.length - 1)), comesMs),
  );
  await clock.run(Promise.all([read(0, 0), ...cursors]));

  expect(log.finishes).toBe(1);
  for (let after = 0; after <= all.length; after++) {
    const reader = new LogReader(healthy, execution.id, after);
    const seqs: Event[] = [];
    for (let page = await reader.next(true); page.length > 0; page = await reader.next(true))
      seqs.push(...page);
    expect(seqs).toEqual(all.slice(after));
  }
}

/** Stores as a relay sees them whose worker stalls or ends at one of its calls. */
function befallen<T extends Record<string, object>>(stores: T, fate: Fate, clock: VirtualClock): T {
  let calls = 0;
  const never = new Promise<never>(() => {});
  const wrap = (store: object) =>
    Object.fromEntries(
      Object.entries(store).map(([name, method]) => [
        name,
        async (...args: unknown[]) => {
          calls++;
          if (fate.what === 'end' && calls > fate.afterCalls) return never;
          if (typeof fate.what === 'number' && calls === fate.afterCalls + 1)
            await clock.sleep(fate.what);
          return (method as (...args: unknown[]) => unknown)(...args);
        },
      ]),
    );
  return Object.fromEntries(
    Object.entries(stores).map(([name, store]) => [name, wrap(store)]),
  ) as T;
}
