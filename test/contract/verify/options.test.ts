/** What the proofs are told wrongly: they say so before they start anything. */
import { expect, test } from 'vitest';
import { proof } from '../../helpers/tools.ts';

test.each([
  ['grants', '--draw', 'x'],
  ['grants', '--seed', '1.5'],
  ['faults', '--trials', '-'],
  ['faults', '--minutes', ''],
])('%s: %s takes no %j', async (name, option, value) => {
  const told = await proof(name, [`${option}=${value}`]);
  const stderr = `${option} must be a whole number, not ${JSON.stringify(value)}\n`;
  expect(told).toEqual({ code: 2, stdout: '', stderr });
});

test.each([
  [['--stacks', '0'], '--stacks must be at least 1.\n'],
  [['--scenario', 'none'], 'There is no scenario for --scenario "none".\n'],
])('grants: %j, which would try nothing, proves nothing', async (args, stderr) => {
  expect(await proof('grants', args)).toEqual({ code: 2, stdout: '', stderr });
});

test('faults: without a stack it says what to start', async () => {
  const { code, stderr } = await proof('faults', ['--endpoints', '/nowhere.json']);
  expect(code).toBe(2);
  expect(stderr).toBe(
    'There is no /nowhere.json: start a stack with `npm start`, or name its file with --endpoints.\n',
  );
});
