/** A key that asks faster than it may is told how long to wait, and is let in again after that. */
import { expect, test } from 'vitest';
import { type Answer, api } from '../helpers/api.ts';
import { account, expectRefusal } from '../helpers/refusals.ts';

test('a key above its rate gets 429 with whole seconds to wait; another key of the tenant does not', async () => {
  const { tenantId, apiKey } = await account({
    action: 'createTenant',
    name: 'slow',
    limits: { requestsPerSecond: 1 },
  });
  const second = await account({ action: 'createKey', tenantId, role: 'viewer', name: 'second' });
  const answer = await refusalOf(() => api('/runtimes', { apiKey }));
  expectRefusal(answer, 'RATE_LIMITED');
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(answer.json.error.details).toMatchObject({ allowed: 1, perSeconds: 1 });
  expect((await api('/runtimes', { apiKey: second.apiKey })).status).toBe(200);
  const status = async () => (await api('/runtimes', { apiKey })).status;
  await expect.poll(status, { interval: 1_100, timeout: 5_000 }).toBe(200);
});

/** Each authorizer at work has a bucket of its own: a few ask at once until one is empty. */
async function refusalOf(ask: () => Promise<Answer>): Promise<Answer> {
  for (let rounds = 0; rounds < 20; rounds++) {
    const answers = await Promise.all([ask(), ask(), ask()]);
    const refused = answers.find(({ status }) => status !== 200);
    if (refused) return refused;
  }
  throw new Error('no request was refused');
}
