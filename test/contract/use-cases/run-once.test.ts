/** A run whose sandbox does not come to run, or whose files it does not take: nothing is left of it. */
import { expect, test } from 'vitest';
import type { SandboxId } from '../../../contract/ids.ts';
import type { RunBody } from '../../../contract/rest/run.ts';
import type { IdempotencyKey } from '../../../core/account/idempotency.ts';
import { readRunFiles } from '../../../core/execution/run-files.ts';
import {
  beginRun,
  endRun,
  executionOf,
  performRun,
  type RunOnceDeps,
  startedRun,
} from '../../../core/execution/run-once.ts';
import { AgentUnreachable } from '../../../core/ports.ts';
import { requestEnd } from '../../../core/sandbox/request-end.ts';
import { runOnce } from '../../../lambdas/executions/run-once.ts';
import { clock } from '../../../lambdas/shared/system.ts';
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

test('a file that cannot be had at the moment is kept, and one that has gone with its sandbox is gone', async () => {
  await fill(world, 1);
  const { sandbox } = await begin();
  const wanted = { sandboxId: sandbox.id, paths: ['a', 'b'] };
  const failures = [new AgentUnreachable('refused'), new Error('a bug')];
  const exchange = () => Promise.reject(failures.shift());
  const cut = { ...deps, gateway: { ...deps.gateway, exchange } };
  expect(await readRunFiles(cut, wanted, caller)).toEqual([
    { path: 'a', state: 'kept' },
    { path: 'b', state: 'kept' },
  ]);
  expect(world.errors).toEqual(['a file of a run not read']);
  await endRun(deps, sandbox.id);
  expect((await readRunFiles(deps, wanted, caller)).map(({ state }) => state)).toEqual([
    'gone',
    'gone',
  ]);
});

test('code whose relay fails has begun: its caller gets its id, and its sandbox stays', async () => {
  await fill(world, 1);
  const work: Promise<unknown>[] = [];
  const gateway = {
    ...deps.gateway,
    call: async (...[address, call]: Parameters<typeof deps.gateway.call>) =>
      call.path === '/executions'
        ? { status: 202, body: JSON.stringify({ ...(call.body as object), status: 'running' }) }
        : world.deps.gateway.call(address, call),
    stream: () => Promise.reject(new Error('a bug')),
  };
  const own = { ...deps, clock, gateway, allowances: { take: async () => {} }, jsonWaitMs: 5_000 };
  const request = { body: { language: 'bash', code: 'true' }, caller, header: () => undefined };
  const background = { add: (added: Promise<unknown>) => void work.push(added) };
  const { status, data } = await runOnce(own as never, request as never, background);
  const { sandboxId, ...run } = data as { sandboxId: SandboxId; status: string };
  expect([status, run]).toMatchObject([202, { id: executionOf(sandboxId), status: 'running' }]);
  const [failed] = await Promise.allSettled(work);
  expect(failed).toMatchObject({ status: 'rejected', reason: { message: 'a bug' } });
  expect((await recordOf(world, sandboxId)).status).toBe('running');
});
