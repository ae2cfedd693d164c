/** Code that is run once through the SDK: asked for until it has ended, with all that it printed and left. */
import { expect, test } from 'vitest';
import { createApi } from '../../../sdk/typescript/src/client.ts';
import { runOnce } from '../../../sdk/typescript/src/run-once.ts';
import { FAKE_KEY } from '../../helpers/fake-api.ts';
import { QUICK } from '../../helpers/sdk.ts';

const AT = '2026-01-01T00:00:00.000Z';
const SANDBOX = `sb${'1'.repeat(20)}`;
const RUN = {
  id: `ex${'1'.repeat(20)}`,
  sandboxId: SANDBOX,
  language: 'python',
  status: 'queued',
  createdAt: AT,
  lastSeq: 0,
  truncated: false,
  stdout: '',
  stderr: '',
  stdoutTruncated: false,
  stderrTruncated: false,
  results: [],
  resultsTruncated: false,
  files: [],
};
const OVER = {
  ...RUN,
  status: 'finished',
  outcome: 'ok',
  exitCode: 0,
  metrics: { wallMs: 1 },
  stdout: '42\n',
};
const success = (data: unknown, status = 200) => Response.json({ success: true, data }, { status });

/** Answers `POST /run` one by one, and other requests by what their line begins with. */
function deployment(
  runs: readonly object[],
  others: Readonly<Record<string, () => Response>> = {},
) {
  const left = [...runs];
  const seen: { line: string; key: string | null; body: unknown }[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const line = `${request.method} ${new URL(request.url).pathname.replace('/api/v1', '')}`;
    const body = request.body ? await request.json() : undefined;
    seen.push({ line, key: request.headers.get('idempotency-key'), body });
    if (line === 'POST /run') {
      const data = left.shift() ?? {};
      return success(data, 'outcome' in data ? 200 : 202);
    }
    const found = Object.entries(others).find(([begin]) => line.startsWith(begin));
    return found ? found[1]() : success({}, 418);
  };
  const api = createApi({ baseUrl: 'http://127.0.0.1:1/api/v1', apiKey: FAKE_KEY, fetch }, QUICK);
  return { api, seen };
}

test('is asked for under one key until it has ended, with files as text and as bytes', async () => {
  const { api, seen } = deployment([RUN, { ...RUN, status: 'running' }, OVER]);
  const result = await runOnce(api, {
    language: 'python',
    code: 'print(42)',
    files: { 'a.txt': 'a', 'b.bin': Uint8Array.of(255) },
  });
  expect(result).toMatchObject({ executionId: RUN.id, stdout: '42\n', outcome: 'ok', files: {} });
  expect(seen.map(({ line }) => line)).toEqual(['POST /run', 'POST /run', 'POST /run']);
  expect(new Set(seen.map(({ key }) => key)).size).toBe(1);
  expect(seen[0]?.body).toEqual({
    language: 'python',
    code: 'print(42)',
    files: [
      { path: 'a.txt', text: 'a' },
      { path: 'b.bin', base64: '/w==' },
    ],
  });
});

test('its files come whole: from the answer, or from the sandbox that is kept for them', async () => {
  const files = [
    { path: 'text', state: 'read', text: 'é' },
    { path: 'bytes', state: 'read', base64: '/w==' },
    { path: 'large', state: 'kept' },
    { path: 'none', state: 'missing', problem: { code: 'FILE_NOT_FOUND', message: 'not there' } },
    { path: 'late', state: 'gone' },
  ];
  const { api, seen } = deployment([{ ...OVER, files }], {
    [`GET /sandboxes/${SANDBOX}/files`]: () => new Response(Uint8Array.of(1, 2)),
    [`DELETE /sandboxes/${SANDBOX}`]: () => success({}, 202),
  });
  const result = await runOnce(api, { language: 'python', code: '', outputFiles: ['text'] });
  expect(result.files).toEqual({
    text: new TextEncoder().encode('é'),
    bytes: Uint8Array.of(255),
    large: Uint8Array.of(1, 2),
  });
  expect(result.missing).toEqual({ none: 'not there', late: expect.stringContaining('late') });
  expect(seen.at(-1)?.line).toBe(`DELETE /sandboxes/${SANDBOX}`);
});

test('what the answer cut is read from the events', async () => {
  const events = (nextCursor: number, finished: boolean, ...items: object[]) =>
    success({ items, nextCursor, finished });
  const pages = [
    events(1, false, { seq: 1, at: AT, type: 'stdout', text: 'much ' }),
    events(
      3,
      true,
      { seq: 2, at: AT, type: 'stdout', text: 'more' },
      { seq: 3, at: AT, type: 'finished', outcome: 'ok', exitCode: 0, metrics: { wallMs: 1 } },
    ),
  ];
  const { api } = deployment([{ ...OVER, stdoutTruncated: true }], {
    'GET /executions': () => pages.shift() ?? success({}, 418),
  });
  const result = await runOnce(api, { language: 'python', code: '' });
  expect(result).toMatchObject({ stdout: 'much more', outcome: 'ok', exitCode: 0 });
});

test.each([false, true])(
  'a result by reference comes whole, where the answer is cut: %s',
  async (isCut) => {
    const ref = {
      url: '/',
      executionId: RUN.id,
      seq: 1,
      sizeBytes: 300_000,
      mime: 'application/json',
    };
    const data = { 'text/plain': 'much' };
    const items = [
      { seq: 1, at: AT, type: 'result', main: true, ref },
      { seq: 2, at: AT, type: 'finished', outcome: 'ok', exitCode: 0, metrics: { wallMs: 1 } },
    ];
    const { api } = deployment(
      [{ ...OVER, results: [{ main: true, ref }], resultsTruncated: isCut }],
      {
        [`GET /executions/${RUN.id}/events`]: () =>
          success({ items, nextCursor: 2, finished: true }),
        [`GET /executions/${RUN.id}/results/1`]: () => success({ main: true, data }),
      },
    );
    const { results } = await runOnce(api, { language: 'python', code: '' });
    expect(results).toEqual([{ main: true, data }]);
  },
);

test('an abort while it is waited for ends its sandbox', async () => {
  const stop = new AbortController();
  const queued = Array.from({ length: 1_000 }, () => RUN);
  const { api, seen } = deployment(queued, {
    [`DELETE /sandboxes/${SANDBOX}`]: () => success({}, 202),
  });
  const running = runOnce(api, { language: 'python', code: '', signal: stop.signal });
  await expect.poll(() => seen.length).toBeGreaterThan(2);
  stop.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  expect(seen.at(-1)?.line).toBe(`DELETE /sandboxes/${SANDBOX}`);
});
