/** What a sandbox uses, measured again and again: what is kept, what is told, what is told as short. */
import { expect, it, vi } from 'vitest';
import type { Reading } from '../../../containers/agent/metrics/readings.ts';
import { Sampler } from '../../../containers/agent/metrics/sampler.ts';
import { METRIC_SAMPLES, type Measured, ResourceSample } from '../../../contract/agent/metrics.ts';

const NOTHING: Reading = {
  cpuMs: undefined,
  cpuCount: undefined,
  memoryUsedBytes: undefined,
  memoryLimitBytes: undefined,
  diskUsedBytes: undefined,
  diskLimitBytes: undefined,
  networkReceivedBytes: undefined,
  networkSentBytes: undefined,
  oomKills: undefined,
};

function sampling(...readings: Partial<Reading>[]) {
  const sampler = new Sampler({ read: async () => ({ ...NOTHING, ...readings.shift() }) });
  const heard: Measured[] = [];
  sampler.listen((measured) => heard.push(measured) > 0);
  const all = async () => {
    while (readings.length > 0) await sampler.sample();
    return heard;
  };
  return { sampler, heard, all };
}
const memory = (memoryUsedBytes: number, oomKills = 0) => ({
  memoryUsedBytes,
  memoryLimitBytes: 100,
  oomKills,
});

it('leaves out what cannot be measured', async () => {
  const [measured] = await sampling({}).all();
  expect(measured).toEqual({ sample: { at: expect.any(String) }, alerts: [] });
});

it('reckons the use of the processors between two samples', async () => {
  const { sampler } = sampling();
  expect(sampler.between(0, Date.now())).toEqual([]);
  const [first, second] = await sampling(
    { cpuMs: 0, cpuCount: 2 },
    { cpuMs: 1_000_000, cpuCount: 2 },
  ).all();
  expect(first?.sample.cpuPercent).toBeUndefined();
  expect(second?.sample.cpuPercent).toBe(100);
  expect(() => ResourceSample.parse(second?.sample)).not.toThrow();
});

it('warns at 80 per cent and tells the limit, once each until it has gone clearly back', async () => {
  const heard = await sampling(
    ...[79, 80, 85, 78, 81, 74, 80, 99, 97, 100, 50].map((used) => memory(used)),
  ).all();
  const told = heard.map(({ alerts }) => alerts.map(({ level }) => level).join());
  expect(told).toEqual(['', 'warning', '', '', '', '', 'warning', 'limit', '', '', '']);
  expect(heard[1]?.alerts).toEqual([
    { level: 'warning', resource: 'memory', used: 80, limit: 100 },
  ]);
});

it('tells the limit where something was ended for want of memory, however much is used by then', async () => {
  const heard = await sampling(memory(10), memory(10, 1), memory(10, 1), memory(10, 2)).all();
  expect(heard.map(({ alerts }) => alerts.map(({ level }) => level).join())).toEqual([
    '',
    'limit',
    '',
    'limit',
  ]);
});

it('keeps a bounded number of samples, and answers those between two instants', async () => {
  const { sampler, all } = sampling(...Array.from({ length: METRIC_SAMPLES + 5 }, () => ({})));
  await all();
  expect(sampler.between(0, Number.MAX_SAFE_INTEGER)).toHaveLength(METRIC_SAMPLES);
  expect(sampler.between(0, 1)).toEqual([]);
});

it('tells each sample to one listener, and to the next when that has left', async () => {
  const sampler = new Sampler({ read: async () => NOTHING });
  const told: string[] = [];
  const first = sampler.listen(() => told.push('first') > 0);
  sampler.listen(() => told.push('second') > 0);
  await sampler.sample();
  first[Symbol.dispose]();
  await sampler.sample();
  expect(told).toEqual(['first', 'second']);
});

it('tells the next listener what the first cannot take', async () => {
  const sampler = new Sampler({ read: async () => NOTHING });
  const told: string[] = [];
  sampler.listen(() => false);
  sampler.listen(() => told.push('second') > 0);
  sampler.listen(() => told.push('third') > 0);
  await sampler.sample();
  expect(told).toEqual(['second']);
});

it('keeps what it found to be short until somebody takes it, the last of each kind', async () => {
  const readings = [memory(85), memory(99), memory(10), memory(10)];
  const sampler = new Sampler({ read: async () => ({ ...NOTHING, ...readings.shift() }) });
  const heard: Measured[] = [];
  let isBehind = true;
  sampler.listen((measured) => !isBehind && heard.push(measured) > 0);
  await sampler.sample();
  await sampler.sample();
  isBehind = false;
  await sampler.sample();
  await sampler.sample();
  expect(heard.map(({ alerts }) => alerts)).toEqual([
    [{ level: 'limit', resource: 'memory', used: 99, limit: 100 }],
    [],
  ]);
});

it('says once that nothing can be measured', async () => {
  vi.useFakeTimers();
  const failures: unknown[] = [];
  const sampler = new Sampler({
    read: () => Promise.reject(new Error('no /proc')),
    intervalMs: 10,
    onFailure: (error) => failures.push(error),
  });
  sampler.start();
  await vi.advanceTimersByTimeAsync(100);
  vi.useRealTimers();
  expect(failures).toEqual([new Error('no /proc')]);
});
