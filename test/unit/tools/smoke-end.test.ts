/** What the smoke test finds of its own, in a tenant whose other sandboxes fill pages. */
import { expect, test } from 'vitest';
import { CodeInterpreter } from '../../../sdk/typescript/src/index.ts';
import { cleanUp, end } from '../../../tools/smoke/steps/end.ts';
import { sandboxRecord } from '../../helpers/fake-answers.ts';
import { FAKE_KEY } from '../../helpers/fake-api.ts';

const OURS = `sb${'1'.repeat(20)}`;
const LOST = `sb${'2'.repeat(20)}`;

/** Nothing of ours on the first page; a sandbox that is ended stops at the second look. */
function busyTenant() {
  const statuses = new Map([
    [OURS, 'running'],
    [LOST, 'running'],
  ]);
  const terminated: string[] = [];
  const look = (id: string) => {
    const status = statuses.get(id);
    if (status === 'stopping') statuses.set(id, 'stopped');
    return { ...sandboxRecord(id), status };
  };
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const { pathname, searchParams } = new URL(new Request(input).url);
    const [, id] = /\/sandboxes\/(\w+)$/.exec(pathname) ?? [];
    const answer = (data: unknown, status = 200) =>
      Response.json({ success: true, data }, { status });
    if (init?.method === 'DELETE' && id) {
      terminated.push(id);
      statuses.set(id, 'stopping');
      return answer({ ...sandboxRecord(id), status: 'stopping' }, 202);
    }
    if (id) return answer(look(id));
    if (pathname.endsWith('/executions')) return answer({ items: [], nextCursor: null });
    const items = searchParams.has('cursor') ? [...statuses.keys()].map(look) : [];
    return answer({ items, nextCursor: searchParams.has('cursor') ? null : 'second' });
  };
  const client = new CodeInterpreter({
    baseUrl: 'http://127.0.0.1:1/api/v1',
    apiKey: FAKE_KEY,
    fetch,
  });
  return { client, statuses, terminated };
}

test('the clean-up ends what is on a later page', async () => {
  const { client, terminated } = busyTenant();
  expect(await cleanUp({ client, id: 'smoke' })).toEqual([OURS, LOST]);
  expect(terminated).toEqual([OURS, LOST]);
});

test('the last step waits for what is on a later page, and until it has stopped', async () => {
  const { client, statuses } = busyTenant();
  const sandbox = await client.getSandbox(OURS);
  statuses.set(LOST, 'stopping');
  const api = undefined as never;
  const signal = new AbortController().signal;
  await end.run({ api, client, id: 'smoke', signal, sandbox });
  expect([...statuses.values()]).toEqual(['stopped', 'stopped']);
});
