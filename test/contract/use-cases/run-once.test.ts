/** A run whose sandbox does not come to run, or whose files it does not take: nothing is left of it. */
import { expect, test } from 'vitest';
import type { RunBody } from '../../../contract/rest/run.ts';
import type { IdempotencyKey } from '../../../core/account/idempotency.ts';
import {
  beginRun,
  endRun,
  performRun,
  type RunOnceDeps,
  startedRun,
} from '../../../core/execution/run-once.ts';
import { requestEnd } from '../../../core/sandbox/request-end.ts';
import { caller, fill, forEachLife, type LifeWorld, recordOf } from '../../helpers/life-world.ts';

let world: LifeWorld;
let deps: RunOnceDeps;
/** What the agent answers to bytes. */
let answer: { status: number; code: string };
forEachLife((life) => {
  ({ world } = life);
  answer = { status: 400, code: 'VALIDATION_ERROR' };
  const exchange: RunOnceDeps['gateway']['exchange'] = async () => {
    const body = JSON.stringify({ code: answer.code, message: 'not there' });
    return { status: answer.status, headers: {}, bytes: new TextEncoder().encode(body) };
  };
  const agents = Object.assign(world.deps.gateway, { exchange });
  // Whatever relays is out of reach: no run of these begins.
  deps = { ...world.deps, gateway: agents, leaseMs: 1_000, relayLifeMs: 1_000 } as never;
});

const BODY: RunBody = { language: 'bash', code: 'true', files: [{ path: 'a', text: 'b' }] };
const begin = (body = BODY, asked?: IdempotencyKey) => beginRun(deps, { body, asked }, caller);

test('its sandbox lives a minute longer than its code may take, and no longer than is allowed', async () => {
  await fill(world, 3);
  const lives = async (body: RunBody) => {
    const { sandbox } = await begin(body);
    expect(sandbox.runtime).toBe('bash');
    return (await recordOf(world, sandbox.id)).lifetimeMs;
  };
  expect(await lives(BODY)).toBe(90_000);
  expect(await lives({ ...BODY, timeoutMs: 5_000 })).toBe(65_000);
  expect(await lives({ ...BODY, timeoutMs: 1_000_000 })).toBe(world.deps.maxLifetimeMs);
});

test('a sandbox that does not take its files is ended, and the caller is told why', async () => {
  await fill(world, 1);
  const { sandbox, isNew } = await begin();
  expect(isNew).toBe(true);
  const run = performRun(deps, { sandboxId: sandbox.id, body: BODY }, caller, {});
  await expect(run).rejects.toMatchObject({ code: 'VALIDATION_ERROR', message: 'not there' });
  expect(await recordOf(world, sandbox.id)).toMatchObject({
    status: 'stopping',
    endReason: 'terminated',
  });
});

test.each([
  ['launch_failed', 'CAPACITY_UNAVAILABLE'],
  ['terminated', 'SANDBOX_GONE'],
] as const)(
  'a launch that ends as %s is told to who runs it and to who repeats it',
  async (reason, code) => {
    const asked: IdempotencyKey = { operation: 'runOnce', key: 'k', bodySha256: 'b' };
    const { sandbox } = await begin(BODY, asked);
    expect(sandbox.status).toBe('creating');
    const { id } = sandbox;
    const run = performRun(deps, { sandboxId: id, body: BODY }, caller, {});
    expect(await startedRun(deps, { sandboxId: id, untilMs: deps.clock.nowMs() + 500 })).toBe(
      undefined,
    );
    await Promise.all([
      expect(run).rejects.toMatchObject({ code }),
      requestEnd(world.deps, { id, reason }),
    ]);
    expect(await begin(BODY, asked)).toMatchObject({ isNew: false, sandbox: { id } });
    const repeat = startedRun(deps, { sandboxId: id, untilMs: deps.clock.nowMs() + 60_000 });
    await expect(repeat).rejects.toMatchObject({ code });
  },
);

test('an end that cannot be asked for is told to the log only: it expires', async () => {
  await fill(world, 1);
  const { sandbox } = await begin();
  const requestEnd = () => Promise.reject(new Error('no table'));
  const cut = { ...deps, sandboxes: { ...deps.sandboxes, requestEnd } };
  await endRun(cut, sandbox.id);
  expect(world.errors).toEqual(['the sandbox of a run not ended']);
});
