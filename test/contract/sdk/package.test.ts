/** The package as it is installed: one file, no dependency, and the newcomer's own first program. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FakeApi, started } from '../../helpers/fake-api.ts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '../../..');
let folder: string;
let bundle: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sdk-package-'));
  const home = join(folder, 'node_modules/@code-interpreter/sdk');
  await mkdir(home, { recursive: true });
  await copyFile(join(repository, 'sdk/typescript/package.json'), join(home, 'package.json'));
  bundle = join(home, 'dist/index.js');
  await run(process.execPath, [join(repository, 'sdk/typescript/build.ts'), bundle]);
});
afterAll(() => rm(folder, { recursive: true }));

test('the quickstart runs as it stands, in a folder with nothing but the package and endpoints.json', async () => {
  await using fake = await FakeApi.start({
    onExecute: (execution, { code }) => {
      const steps = String(code).includes('range(1, 4)') ? ['step 1\n', 'step 2\n'] : [];
      execution.emit(started(execution), ...steps.map((text) => ({ type: 'stdout', text })), {
        type: 'result',
        main: true,
        data: { 'text/plain': '45' },
      });
      execution.finish();
    },
  });
  await copyFile(join(repository, 'examples/quickstart.ts'), join(folder, 'quickstart.ts'));
  await mkdir(join(folder, '.local'), { recursive: true });
  const endpoints = JSON.stringify({ ...fake.options, pid: process.pid });
  await writeFile(join(folder, '.local/endpoints.json'), endpoints);
  const { CODE_INTERPRETER_API_KEY: _, CODE_INTERPRETER_BASE_URL: __, ...env } = process.env;
  const { stdout } = await run(process.execPath, ['quickstart.ts'], { cwd: folder, env });
  expect(stdout).toBe('step 1\nstep 2\nvalue 45\nok in 1 ms\n');
  expect([...fake.sandboxes.values()].map(({ status }) => status)).toEqual(['stopping']);
});

test('the bundle stands alone and bundles for browsers', async () => {
  expect(await readFile(bundle, 'utf8')).not.toMatch(/^import .* from /m);
  const { metafile } = await build({
    entryPoints: [bundle],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  expect(Object.values(metafile.inputs).flatMap(({ imports }) => imports)).toEqual([]);
});
