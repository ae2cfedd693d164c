/** `npm run stop-all` before it asks anybody. */
import { expect, test } from 'vitest';
import { tool } from '../../helpers/tools.ts';

test.each(['5m', '-1', '1.5', ''])('a wait of %j is no number of seconds', async (wait) => {
  const told = await tool('stop-all', ['--yes', '--wait-seconds', wait, '--local']);
  expect(told).toMatchObject({ code: 1, stdout: '' });
  expect(told.stderr).toMatch(/--wait-seconds <n>.* whole number/);
});
