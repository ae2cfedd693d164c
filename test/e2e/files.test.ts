/** Files over REST: what is written is read, by the API and by code; what is wrong is refused by its name. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../contract/errors.ts';
import { api, createSandbox, type TestSandbox, target } from '../helpers/api.ts';
import { expectRefusal } from '../helpers/refusals.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await createSandbox();
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const at = (path: string, more = '') =>
  `/sandboxes/${sandbox.id}/files?path=${encodeURIComponent(path)}${more}`;
const put = (path: string, raw: string | Uint8Array<ArrayBuffer>, headers = {}, more = '') =>
  api(at(path, more), {
    method: 'PUT',
    raw,
    headers: { 'Content-Type': 'application/octet-stream', ...headers },
  });
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${target.baseUrl}${at(path)}`, {
    headers: { 'X-API-Key': target.apiKey, ...headers },
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    text: String(Buffer.from(bytes)),
  };
}

describe('a file', () => {
  test('of 4 MiB comes back byte by byte, and one byte more is refused', async () => {
    const bytes = new Uint8Array(randomBytes(4 * 1024 * 1024));
    const written = await put('dir/large.bin', bytes, {}, `&sha256=${sha256(bytes)}`);
    expect(written.json.data).toMatchObject({
      path: '/home/user/dir/large.bin',
      sizeBytes: bytes.length,
    });
    const read = await get('dir/large.bin');
    expect([read.status, sha256(read.bytes)]).toEqual([200, sha256(bytes)]);
    expect(read.headers.get('content-type')).toBe('application/octet-stream');
    expect(read.headers.get('etag')).toBe(`"${written.json.data.version}"`);
    expectRefusal(await put('larger', new Uint8Array(bytes.length + 1)), 'FILE_TOO_LARGE', 'body');
    await sandbox.run(`open('dir/large.bin', 'ab').write(b'x')`);
    expectRefusal(await api(at('dir/large.bin')), 'FILE_TOO_LARGE', 'path');
    const part = await get('dir/large.bin', { Range: 'bytes=4194304-' });
    expect([part.status, part.text]).toEqual([206, 'x']);
    expect(part.headers.get('content-range')).toBe('bytes 4194304-4194304/4194305');
    expectRefusal(
      await api(at('dir/large.bin'), { headers: { Range: 'bytes=4194305-' } }),
      'RANGE_NOT_SATISFIABLE',
    );
  });

  test('passes between code and the API both ways, as the user that code runs as', async () => {
    await put('from-api/ä.txt', 'hello');
    const run = await sandbox.run(`import os
print(open('from-api/ä.txt').read(), [os.stat(p).st_uid for p in ('from-api', 'from-api/ä.txt')])
open('/tmp/from-code', 'w').write('bye')`);
    expect(run.stdout).toBe('hello [1000, 1000]\n');
    const read = await get('/tmp/from-code');
    expect(read.text).toBe('bye');
    const known = await get('/tmp/from-code', { 'If-None-Match': read.headers.get('etag') ?? '' });
    expect([known.status, known.text]).toEqual([304, '']);
    expectRefusal(
      await put('/tmp/from-code', 'x', { 'If-None-Match': '*' }),
      'PRECONDITION_FAILED',
      'path',
    );
    expect((await get('/tmp/from-code')).text).toBe('bye');
    expect((await put('empty', '')).json.data.sizeBytes).toBe(0);
    expect(await get('empty')).toMatchObject({ status: 200, text: '' });
  });

  test('is listed page by page, made, moved and deleted by name', async () => {
    const files = `/sandboxes/${sandbox.id}/files`;
    const made = await api(`${files}/mkdir`, { body: { path: 'tree/a' } });
    expect(made.json.data).toMatchObject({ path: '/home/user/tree/a', type: 'directory' });
    for (const name of ['tree/1', 'tree/a/2', 'tree/z']) await put(name, name);
    const paths: string[] = [];
    for (let cursor = ''; ; ) {
      const { data } = (await api(`${files}/list?path=tree&depth=2&limit=2${cursor}`)).json;
      paths.push(...data.items.map((item: { path: string }) => item.path));
      if (data.nextCursor === null) break;
      cursor = `&cursor=${data.nextCursor}`;
    }
    expect(paths).toEqual(['1', 'a', 'a/2', 'z'].map((name) => `/home/user/tree/${name}`));
    const moved = await api(`${files}/move`, { body: { from: 'tree/z', to: 'tree/a/y' } });
    expect(moved.json.data.path).toBe('/home/user/tree/a/y');
    const disks = await api(`${files}/move`, { body: { from: 'tree/1', to: '/tmp/1' } });
    expectRefusal(disks, 'NOT_SUPPORTED', 'to');
    expect((await api(`${files}/stat?path=tree/a/y`)).json.data.sizeBytes).toBe(6);
    expectRefusal(await api(at('tree'), { method: 'DELETE' }), 'VALIDATION_ERROR', 'path');
    const gone = await api(at('tree', '&recursive=true'), { method: 'DELETE' });
    expect([gone.status, gone.json]).toEqual([204, undefined]);
    expectRefusal(await api(`${files}/stat?path=tree`), 'FILE_NOT_FOUND', 'path');
  });
});

describe('a path that is wrong is neither read nor written:', () => {
  beforeAll(async () => {
    await sandbox.run(`import os
for to, name in (('/etc/passwd', 'out'), ('/etc', 'out-dir'), ('/proc/1/environ', 'agent'), ('/opt/agent/agent.mjs', 'code')):
    os.symlink(to, name)
os.makedirs('folder/inner'); os.mkfifo('pipe'); os.symlink('/dev/zero', 'zero')`);
  });
  const rows: readonly (readonly [what: string, path: string, code: ErrorCode])[] = [
    ['..', '../user/x', 'VALIDATION_ERROR'],
    ['.. further in', 'folder/../x', 'VALIDATION_ERROR'],
    ['NUL', 'a\0b', 'VALIDATION_ERROR'],
    ['nothing', '', 'VALIDATION_ERROR'],
    ['a name of 256 bytes', 'é'.repeat(128), 'VALIDATION_ERROR'],
    ['over 4096 bytes', 'x/'.repeat(2_049), 'VALIDATION_ERROR'],
    ['absolute, outside', '/etc/passwd', 'VALIDATION_ERROR'],
    ['absolute, of a process', '/proc/self/environ', 'VALIDATION_ERROR'],
    ['a link that leads out', 'out', 'VALIDATION_ERROR'],
    ['below a link that leads out', 'out-dir/hostname', 'VALIDATION_ERROR'],
    ['a link to the agent’s environment', 'agent', 'VALIDATION_ERROR'],
    ['a link to the agent’s code', 'code', 'VALIDATION_ERROR'],
    ['a directory', 'folder', 'VALIDATION_ERROR'],
    ['the workspace', '.', 'VALIDATION_ERROR'],
    ['a pipe', 'pipe', 'VALIDATION_ERROR'],
    ['a link to a device', 'zero', 'VALIDATION_ERROR'],
  ];
  test.each(rows)('%s', async (_, path, code) => {
    const [read, written] = await Promise.all([api(at(path)), put(path, 'x')]);
    expectRefusal(read, code, 'path');
    expectRefusal(written, code, 'path');
  });

  test('no such file', async () => {
    expectRefusal(await api(at('nothing')), 'FILE_NOT_FOUND', 'path');
    expectRefusal(await api(at('nothing'), { method: 'DELETE' }), 'FILE_NOT_FOUND', 'path');
  });

  test('no path, a sandbox of nobody, a header that cannot be', async () => {
    expectRefusal(await api(`/sandboxes/${sandbox.id}/files`), 'VALIDATION_ERROR', 'path');
    const nobody = `/sandboxes/sb${'0'.repeat(20)}/files?path=x`;
    expectRefusal(await api(nobody), 'SANDBOX_NOT_FOUND');
    expectRefusal(await put('x', 'x', { 'If-Match': 'unquoted' }), 'VALIDATION_ERROR', 'if-match');
    expectRefusal(await put('x', 'x', {}, '&sha256=abc'), 'VALIDATION_ERROR', 'sha256');
    const other = await put('x', 'x', {}, `&sha256=${'0'.repeat(64)}`);
    expectRefusal(other, 'VALIDATION_ERROR', 'sha256');
    expectRefusal(await api(at('x')), 'FILE_NOT_FOUND', 'path');
  });
});

test('a full disk is told, and what stood there stays', async () => {
  await put('/tmp/kept', 'old');
  await sandbox.run(`
with open('/tmp/fill', 'wb') as file:
    try:
        while True: file.write(bytes(1 << 20))
    except OSError: pass`);
  expectRefusal(await put('/tmp/kept', new Uint8Array(1 << 20)), 'RESOURCE_LIMIT_ERROR', 'path');
  expect((await get('/tmp/kept')).text).toBe('old');
  await api(at('/tmp/fill'), { method: 'DELETE' });
  expect((await put('/tmp/kept', new Uint8Array(1 << 20))).status).toBe(200);
});
