/** A process through the SDK, whose reading can be given up and begun again. */
import { expect, test } from 'vitest';
import { createApi } from '../../../sdk/typescript/src/client.ts';
import { Process } from '../../../sdk/typescript/src/processes/process.ts';
import { FAKE_KEY } from '../../helpers/fake-api.ts';
import { executionId, sandboxId } from '../../helpers/records.ts';
import { QUICK } from '../../helpers/sdk.ts';

const AT = '2026-01-01T00:00:00.000Z';
const INFO = {
  pid: 7,
  executionId: executionId(),
  command: 'true',
  stdin: false,
  startedAt: AT,
  status: 'running',
} as const;

test('a wait after a reading that was given up reads anew', async () => {
  const finished = {
    seq: 1,
    at: AT,
    type: 'finished',
    outcome: 'ok',
    exitCode: 0,
    metrics: { wallMs: 1 },
  };
  const given = new AbortController();
  const reason = new Error('no longer');
  const fetch = async () => {
    if (!given.signal.aborted) {
      given.abort(reason);
      throw reason;
    }
    return Response.json({
      success: true,
      data: { items: [finished], nextCursor: 1, finished: true },
    });
  };
  const options = { baseUrl: 'http://127.0.0.1:1/api/v1', apiKey: FAKE_KEY, fetch };
  const api = createApi({ ...options, transport: 'poll' }, QUICK);
  const process = new Process(api, sandboxId(), INFO);
  await expect(process.wait({ signal: given.signal })).rejects.toBe(reason);
  expect(await process.wait()).toMatchObject({ outcome: 'ok', exitCode: 0 });
});
