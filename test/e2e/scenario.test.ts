/** The scenario that the examples show, by each way for events to come. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { CodeInterpreter, type Way } from '../../sdk/typescript/src/index.ts';
import { target } from '../helpers/api.ts';

const LINES = [
  'created running',
  'state kept: 42',
  'live output: first, last',
  '20 MB up and down, the same SHA-256 on both sides',
  'extended',
  /^terminated (stopping|stopped)$/,
];

for (const transport of ['websocket', 'sse', 'poll']) {
  test(`a sandbox lives from create to terminate by ${transport}`, async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['examples/scenario.ts', transport],
      {
        cwd: fileURLToPath(new URL('../../', import.meta.url)),
        env: { CODE_INTERPRETER_BASE_URL: target.baseUrl, CODE_INTERPRETER_API_KEY: target.apiKey },
      },
    );
    const lines = stdout.trim().split('\n');
    expect(lines).toEqual(
      LINES.map((line) => (typeof line === 'string' ? line : expect.stringMatching(line))),
    );
  });
}

test('code runs once for a key, whichever way it is asked for', async () => {
  const idempotencyKey = randomUUID();
  const { baseUrl, apiKey } = target;
  const client = (transport: Way) => new CodeInterpreter({ baseUrl, apiKey, transport });
  await using sandbox = await client('websocket').createSandbox({ runtime: 'python' });
  const again = await client('sse').getSandbox(sandbox.id);
  const code = 'n = globals().get("n", 0) + 1; print("run", n)';
  const results = await Promise.all(
    [sandbox, again].map((handle) => handle.execute(code, { idempotencyKey })),
  );
  expect(results.map(({ stdout }) => stdout)).toEqual(['run 1\n', 'run 1\n']);
  expect(results[0]?.executionId).toBe(results[1]?.executionId);
});
