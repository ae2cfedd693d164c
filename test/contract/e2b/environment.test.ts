/** The published packages as their users point them at a deployment: by the environment alone. */
import { Sandbox as InterpreterSandbox } from '@e2b/code-interpreter';
import { Sandbox } from 'e2b';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type E2bAgent, startE2bAgent } from '../../helpers/e2b.ts';

let e2b: E2bAgent;
const before = { ...process.env };
beforeAll(async () => {
  e2b = await startE2bAgent({ driver: 'plain', files: true });
  Object.assign(process.env, { E2B_DEBUG: 'true', E2B_SANDBOX_URL: e2b.settings.sandboxUrl });
});
afterAll(async () => {
  for (const name of ['E2B_DEBUG', 'E2B_SANDBOX_URL']) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  await e2b?.[Symbol.asyncDispose]();
});

it('E2B_SANDBOX_URL is preferred to the address of the debug mode, for files, commands and code', async () => {
  const sandbox = await Sandbox.create();
  await sandbox.files.write('by-env.txt', 'text');
  expect((await sandbox.commands.run('cat by-env.txt')).stdout).toBe('text');
  const info = await sandbox.files.getInfo('by-env.txt');
  expect(info).toMatchObject({ owner: expect.any(String), group: expect.any(String) });
  expect(info.permissions).toMatch(/^-rw-r--r--$/);
  const interpreter = await InterpreterSandbox.create();
  expect((await interpreter.runCode('1 + 1')).text).toBe('2');
  expect(new Set(e2b.calls.map((call) => call.split('/')[2]))).toEqual(
    new Set(['envd', 'interpreter']),
  );
});
