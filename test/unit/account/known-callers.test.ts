/** How long a caller is remembered. */
import { expect, test } from 'vitest';
import { KnownCallers } from '../../../core/account/known-callers.ts';
import { clock } from '../../../lambdas/shared/system.ts';
import { callerOf, iso } from '../../helpers/records.ts';

function world(validUntil = 'always') {
  const state = {
    nowMs: 1_000_000,
    asked: 0,
    caller: callerOf() as ReturnType<typeof callerOf> | undefined,
  };
  const known = new KnownCallers({
    clock: { ...clock, nowMs: () => state.nowMs },
    rememberMs: 10_000,
    find: async () => {
      state.asked++;
      return state.caller && { caller: state.caller, validUntil };
    },
  });
  return { state, known };
}

test('a caller is looked up once in 10 s, and a revoked key is found out after them', async () => {
  const { state, known } = world();
  const { caller } = state;
  for (const ms of [0, 5_000, 4_999]) {
    state.nowMs += ms;
    expect(await known.get('hash')).toBe(caller);
  }
  expect(state.asked).toBe(1);
  state.caller = undefined;
  expect(await known.get('hash')).toBe(caller);
  state.nowMs += 1;
  expect(await known.get('hash')).toBeUndefined();
});

test('nobody is remembered past the end of their secret', async () => {
  const { state, known } = world(iso(1_000_000 + 3_000));
  await known.get('hash');
  state.caller = undefined;
  state.nowMs += 2_999;
  expect(await known.get('hash')).toBeDefined();
  state.nowMs += 1;
  expect(await known.get('hash')).toBeUndefined();
});

test('who is unknown is asked for again each time', async () => {
  const { state, known } = world();
  state.caller = undefined;
  await known.get('hash');
  state.caller = callerOf();
  expect(await known.get('hash')).toBe(state.caller);
  expect(state.asked).toBe(2);
});
