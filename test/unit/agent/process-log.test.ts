/** The events of a process, for readers who are there. */
import { expect, it } from 'vitest';
import { ProcessLog } from '../../../containers/agent/processes/process-log.ts';

const PIECE = 16 * 1024;
const output = (log: ProcessLog) => log.append({ type: 'stdout', text: 'x'.repeat(PIECE) }, PIECE);
const seqs = (events: unknown) => (events as { seq: number }[]).map(({ seq }) => seq);

it('holds nothing that nobody will read, and the last event for whoever comes after the end', async () => {
  const flow: boolean[] = [];
  const log = new ProcessLog({ onBacklog: (full) => flow.push(full) });
  for (let n = 0; n < 200; n += 1) output(log);
  log.end();
  using late = log.read(0, () => undefined);
  expect(seqs(await late.next(0))).toEqual([200]);
  expect(await late.next(0)).toBe('end');
  expect(flow).toEqual([]);
});

it('gives a reader every event, and lets the process wait for it', async () => {
  const flow: boolean[] = [];
  const log = new ProcessLog({ onBacklog: (full) => flow.push(full) });
  using reader = log.read(0, () => undefined);
  for (let n = 0; n < 100; n += 1) output(log);
  expect(flow).toEqual([true]);
  expect(seqs(await reader.next(0))).toHaveLength(100);
  expect(await reader.next(0)).toBe('silence');
  expect(flow).toEqual([true, false]);
});
