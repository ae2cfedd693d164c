/** The package as it is installed: a bundle with its types, no dependency, and the newcomer's own first program. */
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
/** A caller's program; what is marked must not compile. */
const TYPED = `
import { CodeInterpreter, type Event, type SandboxInfo } from '@code-interpreter/sdk';
const client = new CodeInterpreter({ transport: 'sse' });
const sandbox = await client.createSandbox({ runtime: 'python', resources: { cpu: 1 } });
const info: SandboxInfo = await sandbox.extend({ lifetimeMs: 60_000 });
const { results } = await sandbox.execute('1', { onStdout: (text: string) => text });
const shown: string | undefined = results[0]?.displayId;
for await (const event of sandbox.run(info.id + shown)) {
  const same: Event = event;
  if (same.type === 'finished') ((exitCode: number | null) => exitCode)(same.exitCode);
}
// @ts-expect-error -- a field that there is not
await client.createSandbox({ runtim: 'python' });
// @ts-expect-error -- nor is this one
sandbox.info.nothing;
`;

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

test('its types are whole without any other package, and say what is meant', async () => {
  const program = join(folder, 'typed.mts');
  await writeFile(program, TYPED);
  const tsc = join(repository, 'node_modules/typescript/lib/tsc.js');
  for (const module of ['--module nodenext', '--module esnext --moduleResolution bundler']) {
    const options = `--ignoreConfig --noEmit --strict --target es2022 --skipLibCheck false ${module}`;
    const libraries = ['--lib', 'es2022,esnext.disposable,dom', '--types', ''];
    await run(process.execPath, [tsc, ...options.split(' '), ...libraries, program], {
      cwd: folder,
    }).catch(({ stdout }: { stdout: string }) => expect.fail(stdout));
  }
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
