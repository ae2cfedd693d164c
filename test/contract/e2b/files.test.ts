/** Files of the published `e2b` package, unchanged, against a real agent. */

import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileNotFoundError, InvalidArgumentError, Sandbox } from 'e2b';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestAgent } from '../../helpers/agent.ts';
import { type E2bAgent, startE2bAgent } from '../../helpers/e2b.ts';

let agent: TestAgent;
let e2b: E2bAgent;
let files: Sandbox['files'];

beforeAll(async () => {
  e2b = await startE2bAgent({ driver: 'plain', files: true });
  ({ agent } = e2b);
  ({ files } = await Sandbox.create(e2b.settings));
});
afterAll(() => e2b?.[Symbol.asyncDispose]());

describe('a file of the published package', () => {
  it('is read as it was written, by text and by bytes', async () => {
    const written = await files.write('notes/first.txt', 'grüße\n');
    expect(written).toMatchObject({ name: 'first.txt', type: 'file' });
    expect(written.path).toBe(join(agent.workspace, 'notes/first.txt'));
    expect(await files.read('notes/first.txt')).toBe('grüße\n');
    expect(await files.read('~/notes/../notes/first.txt')).toBe('grüße\n');
    const bytes = Uint8Array.from({ length: 1000 }, (_, at) => at % 256);
    await files.write('all.bin', bytes.buffer);
    expect(await files.read('all.bin', { format: 'bytes' })).toEqual(bytes);
  });

  it('is replaced whole', async () => {
    await files.write('replaced.txt', 'a longer text');
    await files.write('replaced.txt', 'short');
    expect(await files.read('replaced.txt')).toBe('short');
    await files.write('empty.txt', '');
    expect(await files.read('empty.txt')).toBe('');
  });

  it('comes with others in one request', async () => {
    const names = ['many/a.txt', 'many/deep/b.txt', 'many/"quoted" name.txt'];
    const written = await files.write(names.map((path) => ({ path, data: `content of ${path}` })));
    expect(written.map(({ path }) => path)).toEqual(
      names.map((name) => join(agent.workspace, name)),
    );
    for (const name of names) expect(await files.read(name)).toBe(`content of ${name}`);
  });

  it('may be a stream, compressed, and larger than one request of ours', async () => {
    const block = 'x'.repeat(1024 * 1024);
    await files.write('large.txt', new Blob(Array.from({ length: 12 }, () => block)));
    expect((await files.getInfo('large.txt')).size).toBe(12 * 1024 * 1024);
    await files.write('streamed.txt', new Blob([block]).stream());
    expect((await files.getInfo('streamed.txt')).size).toBe(1024 * 1024);
    await files.write('zipped.txt', block, { gzip: true });
    expect((await files.read('zipped.txt')).length).toBe(1024 * 1024);
  });

  it('is told with its facts', async () => {
    await writeFile(join(agent.workspace, 'facts.txt'), '12345', { mode: 0o640 });
    expect(await files.getInfo('facts.txt')).toMatchObject({
      name: 'facts.txt',
      type: 'file',
      path: join(agent.workspace, 'facts.txt'),
      size: 5,
      mode: 0o640,
      permissions: '-rw-r-----',
      modifiedTime: expect.any(Date),
    });
    expect(await files.exists('facts.txt')).toBe(true);
    expect(await files.exists('no-such.txt')).toBe(false);
  });

  it('is moved, with the directories that it needs, and removed, again without harm', async () => {
    await files.write('from.txt', 'moved');
    const moved = await files.rename('from.txt', 'new/place/to.txt');
    expect(moved.path).toBe(join(agent.workspace, 'new/place/to.txt'));
    expect(await files.exists('from.txt')).toBe(false);
    await files.remove('new');
    await files.remove('new');
    expect(await files.exists('new')).toBe(false);
  });

  it.each([
    ['read', () => files.read('no-such.txt'), FileNotFoundError],
    ['moved', () => files.rename('no-such.txt', 'there/x.txt'), FileNotFoundError],
    ['listed', () => files.list('no-such'), FileNotFoundError],
  ])('that is not there cannot be %s', async (_, attempt, error) => {
    await expect(attempt()).rejects.toThrow(error);
    expect(await files.exists('there')).toBe(false);
  });

  it.each(['/etc/passwd', '../../etc/passwd', '~/../../../etc/passwd'])(
    'outside the workspace and /tmp cannot be read: %s',
    async (path) => {
      await expect(files.read(path)).rejects.toThrow(InvalidArgumentError);
      await expect(files.write(path, 'x')).rejects.toThrow(InvalidArgumentError);
    },
  );

  it('that is a directory cannot be read or written', async () => {
    await mkdir(join(agent.workspace, 'folder'), { recursive: true });
    await expect(files.read('folder')).rejects.toThrow(InvalidArgumentError);
    await expect(files.write('folder', 'x')).rejects.toThrow(InvalidArgumentError);
  });

  it('that is cut on its way leaves nothing', async () => {
    const cut = new AbortController();
    const stream = new ReadableStream({
      pull: (controller) => {
        controller.enqueue(new TextEncoder().encode('half'));
        return new Promise<void>(() => setTimeout(() => cut.abort(), 50));
      },
    });
    await expect(files.write('cut/half.txt', stream, { signal: cut.signal })).rejects.toThrow();
    await expect.poll(() => readdir(join(agent.workspace, 'cut'))).toEqual([]);
  });
});

describe('a directory of the published package', () => {
  it('is made once and listed, as deep as was asked', async () => {
    expect(await files.makeDir('tree/branch')).toBe(true);
    expect(await files.makeDir('tree/branch')).toBe(false);
    await files.write('tree/branch/leaf.txt', 'leaf');
    const named = (entries: { path: string; type?: string | undefined }[]) =>
      entries.map(({ path, type }) => `${type} ${path.slice(agent.workspace.length + 1)}`);
    expect(named(await files.list('tree'))).toEqual(['dir tree/branch']);
    expect(named(await files.list('tree', { depth: 2 }))).toEqual([
      'dir tree/branch',
      'file tree/branch/leaf.txt',
    ]);
  });

  it('is listed whole, however many names it has', async () => {
    const folder = join(agent.workspace, 'crowded');
    await mkdir(folder);
    const names = Array.from({ length: 1_300 }, (_, at) => `file-${at}`);
    await Promise.all(names.map((name) => writeFile(join(folder, name), '')));
    expect((await files.list('crowded')).map(({ name }) => name).sort()).toEqual(names.sort());
  });
});

it('hears nothing without the access token', async () => {
  const ask = (path: string, init: RequestInit) =>
    fetch(`${agent.baseUrl}/e2b/envd${path}`, init).then(({ status }) => status);
  expect(await ask('/health', {})).toBe(204);
  expect(await ask('/files?path=facts.txt', {})).toBe(401);
  const body = JSON.stringify({ path: 'facts.txt' });
  const json = { 'content-type': 'application/json' };
  const call = (headers: Record<string, string>) =>
    ask('/filesystem.Filesystem/Stat', { method: 'POST', headers: { ...json, ...headers }, body });
  expect(await call({})).toBe(401);
  expect(await call({ 'x-access-token': 'wrong' })).toBe(401);
  // The control token is another door's.
  expect(await call({ authorization: `Bearer ${agent.token}` })).toBe(401);
  expect(await call({ 'x-access-token': agent.token })).toBe(200);
});
