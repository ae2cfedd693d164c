/** The proof of faults itself: one draw of its trials, against the stack of the scenarios. */
import { describe, expect, test } from 'vitest';
import { target } from '../helpers/api.ts';
import { endpointsOf, proof } from '../helpers/tools.ts';

describe.runIf(target.control)('against a stack', () => {
  const verifyFaults = async (...args: string[]) => {
    await using file = await endpointsOf(target);
    return await proof('faults', ['--endpoints', file.path, '--seed', '5', ...args]);
  };

  test('a drawn fault breaks no invariant, and the table says so', async () => {
    const run = await verifyFaults('--trials', '1', '--only', 'files dynamodb');
    expect(run.stderr).toContain('seed 5: ');
    expect([run.code, run.stdout]).toEqual([
      0,
      expect.stringContaining('1 held, 0 broken, 0 not struck'),
    ]);
    expect(run.stdout).toMatch(/files dynamodb:\w+ +\w+ +held/);
    // Some faults are mended by a sandbox that expires, after a minute.
  }, 180_000);

  test('where nothing was tried, nothing is proven', async () => {
    const run = await verifyFaults('--minutes', '0', '--only', 'files dynamodb');
    expect(run).toMatchObject({ code: 1, stdout: expect.stringContaining('0 held, 0 broken') });
  });
});
