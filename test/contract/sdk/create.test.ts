/** Making a sandbox through the SDK: one, whatever is lost, and waited for until it runs. */
import { expect, test, vi } from 'vitest';
import { create } from '../../../sdk/typescript/src/create.ts';
import { CodeInterpreter } from '../../../sdk/typescript/src/index.ts';
import { FakeApi, type Refusal } from '../../helpers/fake-api.ts';
import { quickSandbox } from '../../helpers/sdk.ts';

const BUSY: Refusal = { status: 429, code: 'RATE_LIMITED', retryable: true, retryAfter: 0 };
const FULL: Refusal = { ...BUSY, status: 503, code: 'CAPACITY_UNAVAILABLE' };
const CREATING = { status: 'creating', estimatedReadyAt: '2030-01-01T00:00:40.000Z' };
const RUNNING = { status: 'running' };

test('a create whose answer is lost is repeated under its key and makes one sandbox', async () => {
  await using fake = await FakeApi.start({ lostAnswers: { createSandbox: 2 } });
  const sandbox = await new CodeInterpreter(fake.options).createSandbox({ runtime: 'python' });
  expect([...fake.sandboxes.keys()]).toEqual([sandbox.id]);
  const asked = fake.seen.filter(({ operation }) => operation === 'createSandbox');
  expect(asked).toHaveLength(3);
  expect(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  expect(asked[0]?.body).toEqual({ runtime: 'python' });
});

test('calls without a key of their own make a sandbox each; with the same key, the same one', async () => {
  await using fake = await FakeApi.start();
  const client = new CodeInterpreter(fake.options);
  const made = await Promise.all(
    [{}, {}, { idempotencyKey: 'k' }, { idempotencyKey: 'k' }].map((key) =>
      client.createSandbox({ runtime: 'python', ...key }),
    ),
  );
  expect(new Set(made.map(({ id }) => id)).size).toBe(3);
  expect(made[2]?.id).toBe(made[3]?.id);
});

test('one that is launched is waited for, and each change of it is told', async () => {
  await using fake = await FakeApi.start({ statuses: [CREATING, CREATING, CREATING, RUNNING] });
  const { api } = await quickSandbox(fake);
  fake.behaviour.statuses = [CREATING, CREATING, CREATING, RUNNING];
  const told: string[] = [];
  const info = await create(api, {
    runtime: 'python',
    onStatus: ({ status }) => told.push(status),
  });
  expect(info.status).toBe('running');
  expect(told).toEqual(['creating', 'running']);
});

test('`wait: false` answers at once, and the waiting can be done later', async () => {
  await using fake = await FakeApi.start({ statuses: [CREATING, CREATING, RUNNING] });
  const client = new CodeInterpreter(fake.options);
  const sandbox = await client.createSandbox({ runtime: 'python', wait: false });
  expect(sandbox.status).toBe('creating');
  expect(fake.count('getSandbox')).toBe(0);
  await sandbox.waitUntilRunning();
  expect(sandbox.status).toBe('running');
});

test('one that ends before it runs is an error with its reason', async () => {
  await using fake = await FakeApi.start();
  const { api } = await quickSandbox(fake);
  fake.behaviour.statuses = [CREATING, { status: 'failed', endReason: 'launch_failed' }];
  await expect(create(api, { runtime: 'python' })).rejects.toMatchObject({
    code: 'SANDBOX_GONE',
    message: expect.stringContaining('failed (launch_failed)') as string,
    details: { endReason: 'launch_failed' },
  });
});

test('a create that is given up, by time or by its caller, ends what it made', async () => {
  await using fake = await FakeApi.start();
  const { api } = await quickSandbox(fake);
  fake.behaviour.statuses = [CREATING];
  await expect(create(api, { runtime: 'python', waitMs: 20 })).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
    message: expect.stringContaining('expected to run at 2030-01-01T00:00:40') as string,
    details: CREATING,
  });
  const aborting = new AbortController();
  const run = create(api, { runtime: 'python', signal: aborting.signal });
  await vi.waitFor(() => expect(fake.count('createSandbox')).toBe(2));
  aborting.abort(new Error('enough'));
  await expect(run).rejects.toThrow('enough');
  const [, ...made] = fake.sandboxes.values();
  expect(made.map(({ status }) => status)).toEqual(made.map(() => 'stopping'));
});

test('waiting for one that another made does not end it', async () => {
  await using fake = await FakeApi.start({ statuses: [CREATING] });
  const { sandbox } = await quickSandbox(fake);
  await expect(sandbox.waitUntilRunning({ waitMs: 10 })).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
  });
  expect(fake.count('terminateSandbox')).toBe(0);
});

test('a create goes on asking for capacity within its time', async () => {
  await using fake = await FakeApi.start({ refusals: { createSandbox: [FULL, FULL, BUSY] } });
  const { api } = await quickSandbox(fake);
  await create(api, { runtime: 'python' });
  expect(fake.count('createSandbox')).toBe(4);

  for (const options of [{ waitMs: 0 }, { wait: false }]) {
    fake.behaviour.refusals['createSandbox'] = [FULL];
    await expect(create(api, { runtime: 'python', ...options })).rejects.toMatchObject({
      code: 'CAPACITY_UNAVAILABLE',
    });
  }
  fake.behaviour.refusals['createSandbox'] = [{ ...BUSY, code: 'RESOURCE_LIMIT_ERROR' }];
  await expect(create(api, { runtime: 'python' })).rejects.toMatchObject({
    code: 'RESOURCE_LIMIT_ERROR',
  });
  expect(fake.count('createSandbox')).toBe(7);
});
