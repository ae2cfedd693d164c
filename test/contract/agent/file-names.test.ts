/** Names of files through a real agent: which are refused, listed, made, moved and deleted. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileEntry, ListFilesResponse } from '../../../contract/agent/files.ts';
import { AgentErrorBody } from '../../../contract/errors.ts';
import { startAgent, type TestAgent } from '../../helpers/agent.ts';
import { entryOf, query, refusal, type Sent, send } from '../../helpers/agent-files.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent({ driver: 'plain', files: true });
});
afterAll(() => agent[Symbol.asyncDispose]());

const here = (name: string): string => join(agent.workspace, name);
const put = (path: string, body: Uint8Array<ArrayBuffer> | string, sent: Sent = {}) =>
  send(agent, 'PUT', path, { ...sent, body });
const get = (path: string, headers: Record<string, string> = {}) =>
  send(agent, 'GET', path, { headers });

describe('a path', () => {
  beforeAll(async () => {
    mkdirSync(here('folder/inner'), { recursive: true });
    writeFileSync(here('folder/inner/file'), 'x');
    symlinkSync('/etc/passwd', here('to-passwd'));
    symlinkSync('/etc', here('to-etc'));
    symlinkSync('/proc/1/environ', here('to-environ'));
    symlinkSync('/proc/self/root', here('to-root'));
    symlinkSync('nowhere', here('dangling'));
    symlinkSync('loop', here('loop'));
    await agent.run("import os; os.mkfifo('pipe')");
  });

  const rows = [
    ['../user/x', 400, 'VALIDATION_ERROR'],
    ['folder/../folder/inner/file', 400, 'VALIDATION_ERROR'],
    ['a\0b', 400, 'VALIDATION_ERROR'],
    ['', 400, 'VALIDATION_ERROR'],
    ['x'.repeat(256), 400, 'VALIDATION_ERROR'],
    ['x/'.repeat(2_100), 400, 'VALIDATION_ERROR'],
    ['/etc/passwd', 400, 'VALIDATION_ERROR'],
    ['/proc/self/environ', 400, 'VALIDATION_ERROR'],
    ['/tmpfile', 400, 'VALIDATION_ERROR'],
    ['to-passwd', 400, 'VALIDATION_ERROR'],
    ['to-etc/hostname', 400, 'VALIDATION_ERROR'],
    ['to-environ', 400, 'VALIDATION_ERROR'],
    ['to-root/etc/passwd', 400, 'VALIDATION_ERROR'],
    ['folder', 400, 'VALIDATION_ERROR'],
    ['.', 400, 'VALIDATION_ERROR'],
    ['pipe', 400, 'VALIDATION_ERROR'],
    ['loop', 400, 'VALIDATION_ERROR'],
    ['folder/inner/file/below', 400, 'VALIDATION_ERROR'],
    ['dangling', 404, 'FILE_NOT_FOUND'],
  ] as const;

  it.each(rows.map((row) => [row[0].slice(0, 40), ...row] as const))(
    '%j is neither read nor written',
    async (_, path, status, code) => {
      const wanted = { status, code, field: 'path' };
      expect(refusal(await get(path))).toMatchObject(wanted);
      expect(refusal(await put(path, 'x'))).toMatchObject(wanted);
    },
  );

  it('of nothing is not found, whatever is asked of it', async () => {
    const missing = { status: 404, code: 'FILE_NOT_FOUND', field: 'path' };
    expect(refusal(await get('nothing/there'))).toMatchObject(missing);
    expect(refusal(await send(agent, 'DELETE', 'nothing'))).toMatchObject(missing);
    for (const path of ['/files/stat?path=nothing', '/files/list?path=nothing']) {
      const { status, body } = await agent.call('GET', path);
      expect([status, AgentErrorBody.parse(body).code]).toEqual([404, 'FILE_NOT_FOUND']);
    }
  });

  it('may lead by a link to what is inside, absolute or relative, and to /tmp', async () => {
    symlinkSync(here('folder'), here('to-folder'));
    expect((await get('to-folder/inner/file')).text).toBe('x');
    const outside = join(agent.folder, 'outside');
    mkdirSync(outside);
    chmodSync(outside, 0o777);
    symlinkSync(outside, here('to-tmp'));
    expect((await put('to-tmp/beside', 'y')).status).toBe(200);
    expect(readFileSync(join(outside, 'beside'), 'utf8')).toBe('y');
    expect((await get(join(outside, 'beside'))).text).toBe('y');
  });

  it('whose links change at every instant never leads out', async () => {
    const done = agent.run(`
import os, time
until = time.time() + 1.5
os.mkdir('inside'); open('inside/passwd', 'w').write('inside')
while time.time() < until:
    for where in ('inside', '/etc'):
        os.symlink(where, 'new'); os.rename('new', 'swapped')
`);
    const seen = new Set<string>();
    for (const until = Date.now() + 1_500; Date.now() < until; ) {
      const read = await get('swapped/passwd');
      seen.add(read.status === 200 ? read.text : refusal(read).code);
    }
    await done;
    expect([...seen].filter((text) => text !== 'FILE_NOT_FOUND').sort()).toEqual([
      'VALIDATION_ERROR',
      'inside',
    ]);
  });
});

describe('a list', () => {
  const list = async (fields: Record<string, string>) => {
    const { body } = await agent.call('GET', `/files/list?${query(fields)}`);
    return ListFilesResponse.parse(body);
  };
  beforeAll(() => {
    for (const folder of ['tree/a', 'tree/a-b', 'tree/a/deep/deeper'])
      mkdirSync(here(folder), { recursive: true });
    for (const file of ['tree/a/1', 'tree/a/2', 'tree/a-b/3', 'tree/z', 'tree/a/deep/4'])
      writeFileSync(here(file), file);
    symlinkSync('/etc', here('tree/etc'));
  });

  it('shows names, types and sizes, and looks into no link', async () => {
    const { items, nextAfter } = await list({ path: 'tree', depth: '3' });
    expect(nextAfter).toBeNull();
    const short = items.map(({ path, type }) => `${path.slice(here('tree/').length)} ${type}`);
    expect(short).toEqual([
      'a directory',
      'a/1 file',
      'a/2 file',
      'a/deep directory',
      'a/deep/4 file',
      'a/deep/deeper directory',
      'a-b directory',
      'a-b/3 file',
      'etc symlink',
      'z file',
    ]);
    expect(items.at(-2)).toMatchObject({ name: 'etc', target: '/etc' });
    expect((await list({ path: 'tree' })).items).toHaveLength(4);
  });

  it('of any page size is the same list', async () => {
    const whole = (await list({ path: 'tree', depth: '16' })).items;
    for (const limit of ['1', '2', '3', '7']) {
      const items: FileEntry[] = [];
      for (let after: string | null | undefined; after !== null; ) {
        const page = await list({ path: 'tree', depth: '16', limit, ...(after ? { after } : {}) });
        items.push(...page.items);
        after = page.nextAfter;
      }
      expect(items).toEqual(whole);
    }
  });

  it('ends also where names are no text', async () => {
    await agent.run(`import os
os.makedirs(b'odd')
for name in (b'a', b'\\xe9', b'\\xff', b'\\xff\\xfe', b'z\\n'): open(b'odd/' + name, 'w')`);
    const names: string[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const page = await list({ path: 'odd', limit: '1', ...(after ? { after } : {}) });
      names.push(...page.items.map(({ name }) => name));
      after = page.nextAfter;
    }
    expect(names).toEqual(['a', 'z\n', '\ufffd', '\ufffd', '\ufffd\ufffd']);
  });

  it.each([
    ['depth', '17'],
    ['depth', 'x'],
    ['limit', '101'],
    ['after', 'a/b'],
    ['path', 'tree/z'],
    ['path', 'tree/etc'],
  ])('refuses %s=%s', async (field, value) => {
    const answer = await agent.call(
      'GET',
      `/files/list?${query({ path: 'tree', [field]: value })}`,
    );
    expect(AgentErrorBody.parse(answer.body)).toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { field },
    });
  });
});

describe('names', () => {
  const call = async (path: string, body: unknown) => {
    const answer = await agent.call('POST', path, body);
    return { status: answer.status, text: JSON.stringify(answer.body) };
  };

  it('are made, with what is missing above them, and again without harm', async () => {
    for (const _ of [1, 2])
      expect(entryOf(await call('/files/mkdir', { path: 'm/n/o' }))).toMatchObject({
        type: 'directory',
        path: here('m/n/o'),
      });
    writeFileSync(here('m/file'), '');
    symlinkSync('nowhere', here('m/dangling'));
    symlinkSync('/var', here('m/out'));
    for (const path of ['m/file', 'm/file/x', 'm/out/x'])
      expect(refusal(await call('/files/mkdir', { path })).code).toBe('VALIDATION_ERROR');
    expect(refusal(await call('/files/mkdir', { path: 'm/dangling/x' })).code).toBe(
      'FILE_NOT_FOUND',
    );
  });

  it('are moved, over another only where that is asked', async () => {
    writeFileSync(here('m/one'), '1');
    writeFileSync(here('m/two'), '2');
    const move = (body: object) => call('/files/move', body);
    const taken = refusal(await move({ from: 'm/one', to: 'm/two' }));
    expect(taken).toMatchObject({ code: 'VALIDATION_ERROR', field: 'to' });
    const moved = await move({ from: 'm/one', to: 'm/two', overwrite: true });
    expect(entryOf(moved)).toMatchObject({ path: here('m/two'), sizeBytes: 1 });
    expect(readFileSync(here('m/two'), 'utf8')).toBe('1');
    expect(refusal(await move({ from: 'm/one', to: 'm/x' })).field).toBe('from');
    expect(refusal(await move({ from: 'm/two', to: 'no/where' }))).toMatchObject({
      code: 'FILE_NOT_FOUND',
      field: 'to',
    });
    expect(refusal(await move({ from: 'm', to: 'm/n/m' })).code).toBe('VALIDATION_ERROR');
    expect(refusal(await move({ from: '.', to: 'x' })).code).toBe('VALIDATION_ERROR');
    expect(refusal(await move({ from: 'm/two', to: 'm/out/two' })).code).toBe('VALIDATION_ERROR');
  });

  it('are deleted: a link and not its target, a directory with all that is in it only on demand', async () => {
    writeFileSync(here('m/target'), '');
    symlinkSync('target', here('m/link'));
    expect((await send(agent, 'DELETE', 'm/link')).status).toBe(204);
    expect(statSync(here('m/target')).isFile()).toBe(true);
    const full = await send(agent, 'DELETE', 'm');
    expect(refusal(full)).toMatchObject({ status: 400, code: 'VALIDATION_ERROR', field: 'path' });
    const all = await send(agent, 'DELETE', 'm', { fields: { recursive: 'true' } });
    expect(all.status).toBe(204);
    expect(readdirSync(agent.workspace)).not.toContain('m');
    expect(statSync('/var').isDirectory()).toBe(true);
    expect(refusal(await send(agent, 'DELETE', '.', { fields: { recursive: 'true' } })).code).toBe(
      'VALIDATION_ERROR',
    );
  });

  it('are described as they are, links too', async () => {
    const { body } = await agent.call('GET', '/files/stat?path=to-etc');
    expect(FileEntry.parse(body)).toMatchObject({ type: 'symlink', target: '/etc' });
    const root = await agent.call('GET', '/files/stat?path=.');
    expect(FileEntry.parse(root.body)).toMatchObject({ type: 'directory', path: agent.workspace });
  });
});
