/** The scenario that the examples show, by each way for events to come. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { target } from '../helpers/api.ts';

const LINES = [
  'created running',
  'state kept: 42',
  'live output: first, last',
  'extended',
  /^terminated (stopping|stopped)$/,
];

for (const transport of ['sse', 'poll']) {
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
