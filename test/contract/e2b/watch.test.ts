/** Watching directories with the published `e2b` package, unchanged, against a real agent. */

import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileNotFoundError, type FilesystemEvent, InvalidArgumentError, Sandbox } from 'e2b';
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

async function folderOf(name: string): Promise<string> {
  const folder = join(agent.workspace, name);
  await mkdir(folder);
  return folder;
}

describe('a directory that the published package watches', () => {
  it('tells each kind of change, and nothing once it is stopped', async () => {
    const folder = await folderOf('plain');
    const heard: string[] = [];
    const handle = await files.watchDir(
      'plain',
      ({ type, name }) => void heard.push(`${type} ${name}`),
    );
    await writeFile(join(folder, 'a.txt'), 'text');
    await expect.poll(() => heard).toContain('write a.txt');
    await chmod(join(folder, 'a.txt'), 0o600);
    await rename(join(folder, 'a.txt'), join(folder, 'b.txt'));
    await rm(join(folder, 'b.txt'));
    await expect.poll(() => heard).toContain('remove b.txt');
    expect([...new Set(heard)]).toEqual([
      'create a.txt',
      'write a.txt',
      'chmod a.txt',
      'rename a.txt',
      'create b.txt',
      'remove b.txt',
    ]);
    await handle.stop();
    const before = heard.length;
    const other: string[] = [];
    const watching = await files.watchDir('plain', ({ name }) => void other.push(name));
    await writeFile(join(folder, 'late.txt'), 'text');
    await expect.poll(() => other).toContain('late.txt');
    expect(heard).toHaveLength(before);
    await watching.stop();
  });

  it('tells of directories below it, also of those that come later, with their facts', async () => {
    const folder = await folderOf('deep');
    await mkdir(join(folder, 'old'));
    const heard: FilesystemEvent[] = [];
    const options = { recursive: true, includeEntry: true };
    const handle = await files.watchDir('deep', (event) => void heard.push(event), options);
    const names = () => new Set(heard.map(({ type, name }) => `${type} ${name}`));
    await writeFile(join(folder, 'old/a.txt'), 'text');
    await mkdir(join(folder, 'new/below'), { recursive: true });
    await expect.poll(names).toContain('create new/below');
    await writeFile(join(folder, 'new/below/c.txt'), 'four');
    await expect.poll(names).toContain('create new/below/c.txt');
    expect(names()).toContain('create old/a.txt');
    const written = heard.find(({ name }) => name === 'new/below/c.txt');
    expect(written?.entry).toMatchObject({ name: 'c.txt', type: 'file' });
    await handle.stop();
  });

  it('tells of a directory that was renamed by its new name, and of one that left not at all', async () => {
    const folder = await folderOf('moved');
    await mkdir(join(folder, 'old/below'), { recursive: true });
    await mkdir(join(folder, 'leaves/below'), { recursive: true });
    const heard: string[] = [];
    const tell = ({ type, name }: FilesystemEvent) => void heard.push(`${type} ${name}`);
    const handle = await files.watchDir('moved', tell, { recursive: true });
    await rename(join(folder, 'old'), join(folder, 'new'));
    await rename(join(folder, 'leaves'), join(agent.workspace, 'left'));
    await expect.poll(() => heard).toContain('create new/below');
    await expect.poll(() => heard).toContain('rename leaves');
    await writeFile(join(agent.workspace, 'left/below/b.txt'), 'text');
    await writeFile(join(folder, 'new/below/a.txt'), 'text');
    await writeFile(join(folder, 'last.txt'), 'text');
    await expect.poll(() => heard).toContain('write last.txt');
    expect(heard).toContain('write new/below/a.txt');
    expect(heard.filter((text) => /old\/|leaves\//.test(text))).toEqual([]);
    await handle.stop();
  });

  it('is refused where there are more directories than can be watched, and says so', async () => {
    const folder = await folderOf('many');
    await Promise.all(Array.from({ length: 513 }, (_, n) => mkdir(join(folder, String(n)))));
    const watched = files.watchDir('many', () => undefined, { recursive: true });
    await expect(watched).rejects.toThrow(/over 512 directories/);
  });

  it('ends with its time limit, or with the directory', async () => {
    await folderOf('short');
    const onExit = Promise.withResolvers<Error | undefined>();
    await files.watchDir('short', () => undefined, { timeoutMs: 200, onExit: onExit.resolve });
    expect(await onExit.promise).toBeInstanceOf(Error);
    const gone = Promise.withResolvers<Error | undefined>();
    await files.watchDir('short', () => undefined, { timeoutMs: 0, onExit: gone.resolve });
    await rm(join(agent.workspace, 'short'), { recursive: true });
    expect(await gone.promise).toBeUndefined();
  });

  it.each([
    ['is not there', 'nowhere', FileNotFoundError],
    ['lies outside', '/etc', InvalidArgumentError],
  ])('is refused where it %s', async (_, path, error) => {
    await expect(files.watchDir(path, () => undefined)).rejects.toThrow(error);
  });
});

describe('a watcher that is asked, as the Python SDK does', () => {
  const call = async (method: string, body: object) => {
    const response = await fetch(`${agent.baseUrl}/e2b/envd/filesystem.Filesystem/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-access-token': agent.token },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it('tells each change once, and is gone once it is removed', async () => {
    const folder = await folderOf('asked');
    const { watcherId } = (await call('CreateWatcher', { path: 'asked', recursive: true })).body;
    const heard: unknown[] = [];
    await mkdir(join(folder, 'a'));
    await expect
      .poll(async () => {
        heard.push(...((await call('GetWatcherEvents', { watcherId })).body['events'] as object[]));
        return heard;
      })
      .toEqual([{ name: 'a', type: 'EVENT_TYPE_CREATE' }]);
    expect((await call('RemoveWatcher', { watcherId })).status).toBe(200);
    expect(await call('GetWatcherEvents', { watcherId })).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    });
    expect((await call('CreateWatcher', { path: 'nowhere' })).status).toBe(404);
  });
});
