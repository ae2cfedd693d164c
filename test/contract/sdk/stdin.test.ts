/** What the SDK sends to the stdin of a run, when, and how often. */
import { expect, test } from 'vitest';
import { FakeApi } from '../../helpers/fake-api.ts';
import { quickSandbox } from '../../helpers/sdk.ts';

const ID = 'ex00000000000000000000';
const BUSY = { status: 503, code: 'AGENT_UNREACHABLE', retryable: true };
const FULL = { status: 429, code: 'RESOURCE_LIMIT_ERROR', retryable: true };
const ENDED = { status: 409, code: 'INVALID_SANDBOX_STATE' };

test('writes in order, each with its number, sent again under it where that may help', async () => {
  const full = Array.from({ length: 9 }, () => FULL);
  await using fake = await FakeApi.start({ refusals: { writeStdin: [BUSY, BUSY, ...full] } });
  const stdin = (await quickSandbox(fake)).sandbox.stdin(ID);
  await Promise.all([stdin.write('a'), stdin.write('b'), stdin.close()]);
  const sent = fake.seen.filter(({ operation }) => operation === 'writeStdin');
  expect(sent.slice(0, -3).map(({ body }) => body)).toEqual(
    Array.from({ length: 11 }, () => ({ seq: 1, text: 'a' })),
  );
  expect(sent.slice(-3).map(({ body }) => body)).toEqual([
    { seq: 1, text: 'a' },
    { seq: 2, text: 'b' },
    { seq: 3, text: '', close: true },
  ]);
});

test('what waits behind a write that fails, fails too, and the number is given again', async () => {
  await using fake = await FakeApi.start({ refusals: { writeStdin: [ENDED] } });
  const stdin = (await quickSandbox(fake)).sandbox.stdin(ID);
  const both = await Promise.allSettled([stdin.write('a'), stdin.write('b')]);
  expect(both).toMatchObject([{ reason: ENDED }, { reason: ENDED }]);
  await stdin.write('a');
  const sent = fake.seen.filter(({ operation }) => operation === 'writeStdin');
  expect(sent.map(({ body }) => body)).toEqual([
    { seq: 1, text: 'a' },
    { seq: 1, text: 'a' },
  ]);
});
