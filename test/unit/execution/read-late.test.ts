/** Reading of an execution what its log does not have yet, never has, or has too much of. */
import { beforeEach, expect, test } from 'vitest';
import type { Event } from '../../../contract/events.ts';
import type { ExecutionRecord } from '../../../core/execution/execution.ts';
import { getExecution } from '../../../core/execution/read-executions.ts';
import { readResult } from '../../../core/execution/read-result.ts';
import { MemoryLog } from '../../helpers/memory-log.ts';
import { callerOf, iso, runningExecution, sandboxId, tenantId } from '../../helpers/records.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

const tenant = tenantId();
const caller = callerOf({ tenantId: tenant });
const at = '2026-01-01T00:00:00.000Z';
const ROWS = 400;

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** A log of many rows, which counts how often it is asked. */
function world(over: Partial<Extract<ExecutionRecord, { status: 'running' }>> = {}) {
  const lease = { owner: 'me', epoch: 1, until: iso(clock.nowMs() + 60_000) };
  const log = new MemoryLog(
    runningExecution({ id: sandboxId(), tenantId: tenant }, { lastSeq: ROWS, lease, ...over }),
  );
  const print = (seq: number, event: Event = { seq, at, type: 'stdout', text: 'x' }) =>
    log.output.append({
      executionId: log.record.id,
      firstSeq: seq,
      lastSeq: seq,
      events: [event],
    });
  for (let seq = 1; seq <= ROWS; seq += 1) void print(seq);
  let queries = 0;
  const counted = {
    ...log.output,
    rowsAfter: (...asked: Parameters<typeof log.output.rowsAfter>) => {
      queries += 1;
      return log.output.rowsAfter(...asked);
    },
    rowsUpTo: (...asked: Parameters<typeof log.output.rowsUpTo>) => {
      queries += 1;
      return log.output.rowsUpTo(...asked);
    },
  };
  const asked: number[] = [];
  const deps = {
    executions: log.executions,
    output: counted,
    segments: log.segments,
    relays: { start: async ({ epoch }: { epoch: number }) => void asked.push(epoch) },
    clock,
    leaseMs: 15_000,
  };
  const read = (seq: number) =>
    clock.run(readResult(deps, { executionId: log.record.id, seq }, caller));
  return { log, deps, asked, print, read, queries: () => queries };
}

const over = (record: ExecutionRecord): ExecutionRecord => ({
  ...record,
  status: 'finished',
  outcome: 'ok',
  exitCode: 0,
  metrics: { wallMs: 1 },
  finishedAt: at,
});

test('a result that is not written yet is waited for, then asked for again, and no log is searched', async () => {
  const { read, queries, asked } = world();
  await expect(read(ROWS + 1)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(queries()).toBeLessThan(60);
  expect(asked).toEqual([]);
});

test('whoever waits for a result whose relay is gone asks for the next one', async () => {
  const lease = { owner: 'me', epoch: 4, until: iso(clock.nowMs() - 1) };
  const { read, asked, deps, print } = world({ lease });
  const result = { seq: ROWS + 1, at, type: 'result', main: true, data: { a: '1' } } as const;
  deps.relays.start = async ({ epoch }) => {
    asked.push(epoch);
    await print(ROWS + 1, result);
  };
  expect(await read(ROWS + 1)).toEqual({ main: true, data: { a: '1' } });
  expect(asked).toEqual([5]);
});

test('behind the end there is no result, which is told without a look at the log', async () => {
  const { read, queries, log } = world();
  log.record = over(log.record);
  await expect(read(ROWS + 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(queries()).toBe(0);
  await expect(read(ROWS)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  log.rows.clear();
  await expect(read(ROWS)).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
});

test('a process has no results, which is told without a look at the log', async () => {
  const { read, queries } = world({ pid: 7 });
  await expect(read(ROWS + 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(queries()).toBe(0);
});

test('an answer shows how a process began, and says that there is more', async () => {
  const { deps, log, queries } = world({ pid: 7 });
  const shown = await getExecution(deps as never, log.record.id, caller);
  expect(shown).toMatchObject({ stdoutTruncated: true, stderrTruncated: true, lastSeq: ROWS });
  expect(shown.stdout.length).toBeLessThan(ROWS);
  expect(queries()).toBeLessThan(40);
});

test('an answer shows all that code printed', async () => {
  const { deps, log } = world();
  const shown = await getExecution(deps as never, log.record.id, caller);
  expect(shown).toMatchObject({ stdout: 'x'.repeat(ROWS), stdoutTruncated: false });
});
