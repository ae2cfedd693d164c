import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type LastWords, lastWords } from '../../../containers/agent/output/last-words.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Of a pipe that something holds open. Answers when it was left, in ms. */
async function leftAfter(of: Partial<LastWords>, mostMs = 60_000): Promise<number | undefined> {
  const start = performance.now();
  let left: number | undefined;
  void lastWords({
    streams: [new PassThrough()],
    lastDataMs: () => start,
    isPaused: () => false,
    silenceMs: 100,
    ...of,
  }).then(() => {
    left = Math.round(performance.now() - start);
  });
  await vi.advanceTimersByTimeAsync(mostMs);
  return left;
}
const since = (ms: number) => {
  const start = performance.now();
  return () => performance.now() - start >= ms;
};

it('a pipe is left when it is silent', async () => {
  expect(await leftAfter({})).toBe(105);
});

it('a pipe into which something prints on is left after two seconds', async () => {
  expect(await leftAfter({ lastDataMs: () => performance.now() })).toBe(2_005);
});

it('while nobody takes more no time counts', async () => {
  const later = since(5_000);
  expect(await leftAfter({ isPaused: () => !later() })).toBe(5_100);
  expect(await leftAfter({ isPaused: () => true })).toBeUndefined();
});

it('whoever has given up waits for nobody who takes no more', async () => {
  const later = since(300);
  expect(await leftAfter({ isPaused: () => true, isGivenUp: later })).toBe(300);
});

it('pipes that have ended are not waited for', async () => {
  const ended = new PassThrough();
  ended.destroy();
  expect(await leftAfter({ streams: [ended] })).toBe(0);
});
