/** The definition of lives, run in the interpreter alone: functions of the test, virtual time. */
import { describe, expect, test } from 'vitest';
import { lifecycleDefinition } from '../../../lib/lifecycle/definition.ts';
import { startMachine } from '../../helpers/state-machine.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

interface Step {
  readonly step: 'launch' | 'hold' | 'renew' | 'end';
  readonly token: string;
  readonly reason?: string;
}
type Answer = object | 'fails' | 'waits';

const LIFE_MS = 60_000;
const FAILURE = { errorType: 'TimeoutError', errorMessage: 'no answer', trace: [] };

/** A life whose steps do as they are told, one after the other; the last answer of each stays. */
async function lifeOf(start: string, script: Partial<Record<Step['step'], Answer[]>>) {
  const asked: string[] = [];
  const clock = new VirtualClock();
  const startedMs = clock.nowMs();
  const left = structuredClone(script);
  const machine = startMachine(JSON.stringify(lifecycleDefinition({ functionArn: 'steps' })), {
    clock,
    functions: {
      steps: (payload) => {
        const { step, token, reason } = payload as unknown as Step;
        asked.push(reason === undefined ? step : `${step} ${reason}`);
        const answers = left[step] ?? [];
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        if (answer === 'fails') return { error: FAILURE };
        if (step === 'renew' || step === 'end') return { payload: answer ?? {} };
        if (typeof answer === 'object')
          machine.engine.sendTaskSuccess(token, JSON.stringify(answer));
        return { payload: null };
      },
    },
  });
  const expiresAt = clock.iso(startedMs + LIFE_MS);
  const { executionArn } = machine.start({ sandboxId: 'sb', start, expiresAt });
  const { status, transitions } = await clock.run(machine.engine.finished(executionArn));
  return { asked, status, transitions, afterMs: clock.nowMs() - startedMs };
}

const ENDED = { end: true, seconds: 1 };

describe('a life', () => {
  test('from a pool waits for its expiry and ends, in five transitions', async () => {
    expect(await lifeOf('claimed', { hold: ['waits'], renew: [ENDED] })).toEqual({
      asked: ['hold', 'renew', 'end expired'],
      status: 'SUCCEEDED',
      transitions: 5,
      afterMs: LIFE_MS,
    });
  });

  test('that is launched has six', async () => {
    const script = { launch: [{ seconds: 30 }], hold: ['waits' as const], renew: [ENDED] };
    expect(await lifeOf('launch', script)).toMatchObject({ transitions: 6, afterMs: 30_000 });
  });

  test('that is told of its end does not wait', async () => {
    expect(await lifeOf('claimed', { hold: [{ end: true }] })).toMatchObject({
      asked: ['hold', 'end expired'],
      afterMs: 0,
    });
  });

  test('that was made longer waits again, one that was made shorter waits less', async () => {
    const renew = [{ end: false, seconds: 40 }, ENDED];
    expect((await lifeOf('claimed', { hold: ['waits'], renew })).afterMs).toBe(LIFE_MS + 40_000);
    const hold = [{ seconds: 5 }, 'waits' as const];
    expect((await lifeOf('claimed', { hold, renew: [ENDED] })).afterMs).toBe(5_000);
  });

  test('whose launch is told of nothing in 120 s ends as launch_failed', async () => {
    expect(await lifeOf('launch', { launch: ['waits'] })).toMatchObject({
      asked: ['launch', 'end launch_failed'],
      afterMs: 120_000,
    });
  });
});

describe('a step that fails', () => {
  test('does not end a sandbox that runs: it waits again, until its expiry', async () => {
    const hold = ['fails' as const, 'waits' as const];
    const { asked, afterMs } = await lifeOf('claimed', { hold, renew: [ENDED] });
    expect(asked).toEqual(['hold', 'hold', 'renew', 'end expired']);
    expect(afterMs).toBeLessThan(LIFE_MS + 5_000);
  });

  test('all the time leaves the sandbox to its record', async () => {
    const renew = [{ end: false, seconds: 30 }, ENDED];
    const { asked } = await lifeOf('claimed', { hold: ['fails'], renew });
    expect(asked.at(-1)).toBe('end expired');
    expect(asked.filter((step) => step === 'renew')).toHaveLength(2);
    expect(asked.length).toBeLessThan(20);
  });

  test('is tried again where it launches', async () => {
    const launch = ['fails' as const, { seconds: 30 }];
    const script = { launch, hold: ['waits' as const], renew: [ENDED] };
    expect((await lifeOf('launch', script)).asked.at(-1)).toBe('end expired');
  });

  test('is asked again in half a minute where it renews, and as long as it takes where it ends', async () => {
    const renew = [...Array<Answer>(2).fill('fails'), ENDED];
    expect((await lifeOf('claimed', { hold: ['waits'], renew })).status).toBe('SUCCEEDED');
    const end = [...Array<Answer>(7).fill('fails'), {}];
    expect((await lifeOf('claimed', { hold: [{ end: true }], end })).status).toBe('SUCCEEDED');
  });
});
