/** What a key may ask for in a time, by one authorizer's memory and by the row that all functions share. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Allowances, type WindowStore } from '../../../core/account/allowances.ts';
import { TokenBuckets } from '../../../core/account/token-buckets.ts';
import { clock } from '../../../lambdas/shared/system.ts';
import { callerOf } from '../../helpers/records.ts';

describe('a bucket', () => {
  test('lets pass a burst of two seconds, then the rate, and says how long to wait', () => {
    const buckets = new TokenBuckets();
    const take = (nowMs: number) => buckets.take('key', { perSecond: 2, nowMs });
    expect([1, 2, 3, 4, 5].map(() => take(0))).toEqual([0, 0, 0, 0, 500]);
    expect(take(499)).toBe(1);
    expect(take(500)).toBe(0);
    expect(take(500)).toBe(500);
    expect(buckets.take('other', { perSecond: 2, nowMs: 500 })).toBe(0);
  });

  test('never lets pass more than the burst and the rate, at whatever times it is asked', () => {
    const times = fc.array(fc.nat(400), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 20 }), (pauses, perSecond) => {
        const buckets = new TokenBuckets();
        let nowMs = 0;
        let passed = 0;
        for (const pause of pauses) {
          nowMs += pause;
          const waitMs = buckets.take('key', { perSecond, nowMs });
          if (waitMs === 0) passed++;
          expect(passed).toBeLessThanOrEqual(2 * perSecond + (nowMs * perSecond) / 1_000 + 1e-6);
          // Whoever waits as long as it was told is let in.
          if (waitMs > 0) {
            nowMs += waitMs;
            expect(buckets.take('key', { perSecond, nowMs })).toBe(0);
            passed++;
          }
        }
      }),
    );
  });
});

/** The row of the table, in memory. */
function windows() {
  const taken = new Map<string, number>();
  let asked = 0;
  const store: WindowStore = {
    async take({ keyId, minute }, { count, limit }) {
      asked++;
      const id = `${keyId} ${minute}`;
      const before = taken.get(id) ?? 0;
      if (before >= limit) return false;
      taken.set(id, before + count);
      return true;
    },
  };
  return { store, asked: () => asked };
}

const limits = (requestsPerSecond: number) => ({ liveSandboxes: 1, requestsPerSecond });

describe('an allowance', () => {
  const MINUTE = 60_000;
  function world() {
    const state = { nowMs: 100 * MINUTE };
    const { store, asked } = windows();
    const timed = { ...clock, nowMs: () => state.nowMs };
    return { state, asked, instance: () => new Allowances({ clock: timed, windows: store }) };
  }

  test('of a minute is given out once over all instances, then refused until it is over', async () => {
    const { state, asked, instance } = world();
    const caller = callerOf({ limits: limits(1) });
    const instances = [instance(), instance(), instance()];
    state.nowMs += 18_500;
    for (let n = 0; n < 60; n++) await instances[n % 3]!.take(caller);
    for (const each of instances) {
      await expect(each.take(caller)).rejects.toMatchObject({
        code: 'RATE_LIMITED',
        retryAfterSeconds: 42,
      });
    }
    const before = asked();
    await expect(instances[0]!.take(caller)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(asked()).toBe(before);
    state.nowMs += 41_500;
    await instances[0]!.take(caller);
    await instances[1]!.take(callerOf({ limits: limits(1) }));
  });

  test('is taken in blocks: the table is asked once for several starts', async () => {
    const { asked, instance } = world();
    const caller = callerOf({ limits: limits(20) });
    const one = instance();
    for (let n = 0; n < 100; n++) await one.take(caller);
    expect(asked()).toBe(20);
  });
});
