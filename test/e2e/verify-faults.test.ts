/** The proof of faults itself: one draw of its trials, against the stack of the scenarios. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { target } from '../helpers/api.ts';

const PROGRAM = fileURLToPath(new URL('../../verify/faults/main.ts', import.meta.url));

async function verifyFaults(...args: string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

test.runIf(target.control)('a drawn fault breaks no invariant, and the table says so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'verify-faults-'));
  const endpoints = join(folder, 'endpoints.json');
  const { control, baseUrl, apiKey, websocketUrl } = target;
  const stack = {
    baseUrl,
    apiKey,
    websocketUrl,
    controlUrl: control?.url,
    controlToken: control?.token,
  };
  await writeFile(endpoints, JSON.stringify(stack));
  const run = await verifyFaults(
    '--endpoints',
    endpoints,
    '--seed',
    '5',
    '--trials',
    '1',
    '--only',
    'files dynamodb',
  );
  await rm(folder, { recursive: true });
  expect(run.stderr).toContain('seed 5: ');
  expect(run).toMatchObject({ code: 0 });
  expect(run.stdout).toMatch(/files dynamodb:\w+ +\w+ +held/);
  expect(run.stdout).toContain('1 held, 0 broken, 0 not struck');
});

test('without a stack it says what to start', async () => {
  const { code, stderr } = await verifyFaults('--endpoints', '/nowhere.json');
  expect(code).toBe(2);
  expect(stderr).toBe(
    'There is no /nowhere.json: start a stack with `npm start`, or name its file with --endpoints.\n',
  );
});
