import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  BUILT_FROM,
  buildImageContext,
  type ImageContext,
} from '../../../containers/image/context.ts';

const directory = mkdtempSync(join(tmpdir(), 'image-'));
const out = join(directory, 'image');
let context: ImageContext;

async function build(): Promise<ImageContext> {
  return buildImageContext({
    outDirectory: out,
    agentBundle: join(directory, 'main.mjs'),
    languagesDirectory: join(directory, 'languages'),
    nodeBinary: join(directory, 'node'),
  });
}

beforeAll(async () => {
  await mkdir(join(directory, 'languages', 'python'), { recursive: true });
  writeFileSync(join(directory, 'languages', 'python', 'driver.py'), 'print(1)', { mode: 0o600 });
  writeFileSync(join(directory, 'main.mjs'), '//', { mode: 0o600 });
  writeFileSync(join(directory, 'node'), '#!/bin/sh', { mode: 0o755 });
  context = await build();
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const text = (name: string): string => readFileSync(join(out, name), 'utf8');

it('holds every file that its image.json and its Dockerfile name', () => {
  const manifest = JSON.parse(text('image.json')) as ImageContext['manifest'];
  expect(manifest).toEqual(context.manifest);
  const named = manifest.binds.map((bind) => bind.from);
  const copied = [...text('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((line) =>
    (line[1] ?? '').split(' '),
  );
  for (const name of [...named, ...copied]) {
    if (context.hasLauncher || !['launcher', 'files-helper', 'pty-helper'].includes(name))
      expect(existsSync(join(out, name))).toBe(true);
  }
});

it('gives a local sandbox the environment that the Dockerfile gives the image', () => {
  const block = /^ENV ((?:.+\\\n)*.+)$/m.exec(text('Dockerfile'))?.[1] ?? '';
  const lines = block.split(/\s*\\?\n\s*/).map((line) => line.split('='));
  expect(Object.fromEntries(lines)).toEqual(context.manifest.environment);
});

it('starts in both the same program', () => {
  const line = /^ENTRYPOINT (.+)$/m.exec(text('Dockerfile'))?.[1] ?? '[]';
  const [init, dashes, ...program] = JSON.parse(line) as string[];
  expect([init, dashes]).toEqual(['/usr/bin/tini', '--']);
  expect(program).toEqual(context.manifest.entrypoint);
});

it('is readable by the uids of a sandbox, whatever the umask of who builds', () => {
  const mode = (name: string): number => statSync(join(out, name)).mode & 0o777;
  expect(mode('agent.mjs')).toBe(0o644);
  expect(mode('languages/python')).toBe(0o755);
  expect(mode('languages/python/driver.py')).toBe(0o644);
  expect(mode('node')).toBe(0o755);
});

it('compiles its programs with the flags of the Dockerfile, and once for the same source', async () => {
  const { COMPILER_FLAGS } = await import('../../../containers/launcher/compile.ts');
  for (const program of ['launcher', 'files-helper', 'pty-helper'])
    expect(text('Dockerfile')).toContain(
      `gcc ${COMPILER_FLAGS.join(' ')} -o /build/${program} /build/${program}.c`,
    );
  if (!context.hasLauncher) return;
  const cached = (): number => statSync(join(directory, 'cache')).mtimeMs;
  const before = cached();
  await build();
  expect(cached()).toBe(before);
});

it('asks for nothing that only one builder knows', () => {
  expect(text('Dockerfile')).not.toMatch(/RUN --|COPY --link|<<|^# syntax/m);
});

it('has a digest of all that the Dockerfile reads, and of nothing else', async () => {
  const again = (await build()).manifest.digest;
  expect(again).toBe(context.manifest.digest);
  // The launcher of this machine is in the context and not in the image.
  const inputs = [...text('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((line) =>
    (line[1] ?? '').split(' '),
  );
  expect([...BUILT_FROM].sort()).toEqual([...inputs, 'Dockerfile'].sort());
  writeFileSync(join(directory, 'languages', 'python', 'driver.py'), 'print(2)');
  expect((await build()).manifest.digest).not.toBe(again);
});

it('is the same where a driver was run in its place, which leaves compiled code there', async () => {
  const { digest } = (await build()).manifest;
  const left = join(directory, 'languages', 'python', '__pycache__');
  await mkdir(left);
  writeFileSync(join(left, 'driver.cpython-311.pyc'), 'compiled');
  try {
    const { manifest } = await build();
    expect(manifest.digest).toBe(digest);
    expect(existsSync(join(out, 'languages', 'python', '__pycache__'))).toBe(false);
  } finally {
    rmSync(left, { recursive: true });
  }
});
