/** Files through the SDK: which way they go, what is told meanwhile, and that wrong bytes are never handed out. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../../../contract/limits.ts';
import type { Progress } from '../../../sdk/typescript/src/files/options.ts';
import { fakeFiles } from '../../helpers/fake-files.ts';

const large = new Uint8Array(randomBytes(LIMITS.fileRequestBytes + 1));

describe('a small file', () => {
  it.each([
    ['text', 'héllo'],
    ['bytes', new TextEncoder().encode('héllo')],
    ['a buffer', new TextEncoder().encode('héllo').buffer],
    ['a blob', new Blob(['héllo'])],
    ['a stream', new Blob(['héllo']).stream()],
    ['nothing', ''],
  ])('of %s is written and read in one request each', async (_, data) => {
    const { sandbox, seen, files } = fakeFiles();
    const entry = await sandbox.files.write('a b', data as string);
    expect(entry.sizeBytes).toBe(data === '' ? 0 : 6);
    expect(await sandbox.files.readText('a b')).toBe(data === '' ? '' : 'héllo');
    expect(seen).toEqual(['PUT /files', 'GET /files']);
    await sandbox.files.delete('a b');
    expect(files.size).toBe(0);
  });

  it('that is missing is said so, by its code', async () => {
    const { sandbox } = fakeFiles();
    await expect(sandbox.files.read('none')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  it('is written again when the answer is lost', async () => {
    const fake = fakeFiles();
    fake.faults['PUT /files'] = ['lost'];
    await fake.sandbox.files.write('x', 'y');
    expect(fake.seen).toEqual(['PUT /files', 'PUT /files']);
  });
});

describe('a file that is deleted', () => {
  it('is deleted when the answer was lost, and a repeat finds it gone', async () => {
    const fake = fakeFiles();
    await fake.sandbox.files.write('x', 'y');
    fake.faults['DELETE /files'] = ['lost'];
    await fake.sandbox.files.delete('x');
    expect(fake.files.size).toBe(0);
    expect(fake.seen.slice(1)).toEqual(['DELETE /files', 'DELETE /files']);
  });

  it('was never there when the first answer says so', async () => {
    const { sandbox } = fakeFiles();
    await expect(sandbox.files.delete('none')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});

describe('a large file', () => {
  it('goes by the bucket, up and down, and tells how far it is', async () => {
    const fake = fakeFiles();
    fake.copies = 2;
    const told: Progress[] = [];
    const onProgress = (progress: Progress) => told.push(progress);
    const entry = await fake.sandbox.uploadFile('big', large, { onProgress });
    expect(entry.sizeBytes).toBe(large.length);
    expect(await fake.sandbox.downloadFile('big', { onProgress })).toEqual(large);
    expect(fake.seen).toEqual([
      'POST /uploads',
      'PUT bucket',
      ...Array.from({ length: 3 }, () => 'POST /uploads/{id}/complete'),
      'GET /files',
      'POST /downloads',
      'GET /downloads/{id}',
      'GET /downloads/{id}',
      'GET bucket',
    ]);
    for (const step of ['hashing', 'sending', 'copying', 'receiving']) {
      const last = told.findLast((progress) => progress.step === step);
      expect(last).toEqual({ step, doneBytes: large.length, totalBytes: large.length });
    }
  });

  it('survives lost answers of the bucket and of the completion', async () => {
    const fake = fakeFiles();
    fake.faults['PUT bucket'] = ['lost'];
    fake.faults['POST /uploads/{id}/complete'] = ['lost', 'lost'];
    await fake.sandbox.files.write('big', new Blob([large]));
    expect(fake.files.get('big')).toEqual(large);
  });

  it('whose bytes changed on their way down is not handed out', async () => {
    const fake = fakeFiles();
    fake.files.set('big', large);
    fake.faults['GET bucket'] = ['changed'];
    await expect(fake.sandbox.downloadFile('big')).rejects.toMatchObject({
      code: 'INVALID_ANSWER',
    });
  });

  it('that the bucket refuses is not sent again', async () => {
    const fake = fakeFiles();
    fake.faults['PUT bucket'] = ['refused'];
    await expect(fake.sandbox.uploadFile('big', large)).rejects.toThrow(/answered 403/);
    expect(fake.seen).toEqual(['POST /uploads', 'PUT bucket']);
  });

  it('stops where its signal says so', async () => {
    const stop = new AbortController();
    const options = { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) };
    const { sandbox, seen } = fakeFiles();
    await expect(sandbox.uploadFile('big', large, options)).rejects.toThrow('enough');
    expect(seen).toEqual([]);
  });
});

describe('a file of this machine', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sdk-files-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is uploaded, and downloaded whole or not at all', async () => {
    const fake = fakeFiles();
    await writeFile(join(folder, 'in'), large);
    await fake.sandbox.uploadFile('big', join(folder, 'in'));
    const to = join(folder, 'out');
    fake.faults['GET bucket'] = ['changed'];
    await expect(fake.sandbox.downloadFile('big', { to })).rejects.toThrow(/not those of the file/);
    expect(await readdir(folder)).toEqual(['in']);
    await fake.sandbox.downloadFile('big', { to });
    expect((await readFile(to)).equals(large)).toBe(true);
  });
});
