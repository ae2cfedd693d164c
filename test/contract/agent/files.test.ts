/** Bytes of files through a real agent: written, read, in part, on condition, and cut. */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('a file', () => {
  it('comes back byte by byte as it was written, with its parents made', async () => {
    const bytes = Uint8Array.from({ length: 300_000 }, (_, n) => (n * 31) % 256);
    const written = entryOf(
      await put('deep/er/a b€.bin', bytes, { fields: { sha256: sha256(bytes) } }),
    );
    expect(written).toMatchObject({
      path: here('deep/er/a b€.bin'),
      name: 'a b€.bin',
      type: 'file',
      sizeBytes: 300_000,
      mode: '644',
    });
    const read = await get('deep/er/a b€.bin');
    expect([read.status, read.headers.get('etag')]).toEqual([200, `"${written.version}"`]);
    expect(sha256(read.bytes)).toBe(sha256(bytes));
    expect(readdirSync(here('deep/er'))).toEqual(['a b€.bin']);
  });

  it('may be empty', async () => {
    expect(entryOf(await put('empty', '')).sizeBytes).toBe(0);
    expect(await get('empty')).toMatchObject({ status: 200, text: '' });
  });

  it('is read in part, as Range says', async () => {
    await put('part', '0123456789');
    for (const [range, text, part] of [
      ['bytes=2-4', '234', 'bytes 2-4/10'],
      ['bytes=7-', '789', 'bytes 7-9/10'],
      ['bytes=-3', '789', 'bytes 7-9/10'],
      ['bytes=8-99', '89', 'bytes 8-9/10'],
      ['bytes=-99', '0123456789', 'bytes 0-9/10'],
    ] as const) {
      const read = await get('part', { range });
      expect([range, read.status, read.text]).toEqual([range, 206, text]);
      expect(read.headers.get('content-range')).toBe(part);
    }
    for (const range of ['bytes=5-2', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=-'])
      expect(await get('part', { range })).toMatchObject({ status: 200, text: '0123456789' });
    for (const range of ['bytes=10-', 'bytes=-0'])
      expect(refusal(await get('part', { range }))).toMatchObject({
        status: 416,
        code: 'RANGE_NOT_SATISFIABLE',
      });
  });

  it('is not sent again to who has it, nor written over one that has changed', async () => {
    const first = entryOf(await put('tagged', 'one'));
    const known = { 'if-none-match': `"other", "${first.version}"` };
    expect(await get('tagged', known)).toMatchObject({ status: 304, text: '' });
    const second = await put('tagged', 'two', { headers: { 'if-match': `"${first.version}"` } });
    expect(second.status).toBe(200);
    expect(entryOf(second).version).not.toBe(first.version);
    expect((await get('tagged', known)).text).toBe('two');
    for (const headers of [{ 'if-match': `"${first.version}"` }, { 'if-none-match': '*' }])
      expect(refusal(await put('tagged', 'three', { headers }))).toMatchObject({
        status: 412,
        code: 'PRECONDITION_FAILED',
      });
    const missing = await put('nothing', 'x', { headers: { 'if-match': '*' } });
    expect(refusal(missing).code).toBe('PRECONDITION_FAILED');
    expect((await put('fresh', 'x', { headers: { 'if-none-match': '*' } })).status).toBe(200);
    expect((await get('tagged')).text).toBe('two');
  });

  it('keeps its mode when it is written again, and a link to it stays a link', async () => {
    writeFileSync(here('script'), '#!/bin/sh', { mode: 0o755 });
    symlinkSync('script', here('link'));
    expect((await put('link', 'new')).status).toBe(200);
    expect(readFileSync(here('script'), 'utf8')).toBe('new');
    expect(statSync(here('script')).mode & 0o777).toBe(0o755);
    expect(lstatSync(here('link')).isSymbolicLink()).toBe(true);
    expect((await get('link')).text).toBe('new');
  });

  it('is not there when its bytes have another SHA-256, and what was there stays', async () => {
    await put('checked', 'old');
    const answer = await put('checked', 'new', { fields: { sha256: sha256('other') } });
    expect(refusal(answer)).toMatchObject({
      status: 400,
      code: 'VALIDATION_ERROR',
      field: 'sha256',
    });
    expect((await get('checked')).text).toBe('old');
    await expect
      .poll(() => readdirSync(agent.workspace).filter((n) => n.startsWith('.upload')))
      .toEqual([]);
  });

  it('that becomes shorter while it is read ends in a cut, that grows in what was announced', async () => {
    writeFileSync(here('moving'), Buffer.alloc(64 * 1024 * 1024));
    const open = () =>
      fetch(`${agent.baseUrl}/files?${query({ path: 'moving' })}`, {
        headers: { authorization: `Bearer ${agent.token}` },
      });
    const shrinking = await open();
    truncateSync(here('moving'), 1024);
    await expect(shrinking.arrayBuffer()).rejects.toThrow();
    const growing = await open();
    appendFileSync(here('moving'), Buffer.alloc(4096));
    expect((await growing.arrayBuffer()).byteLength).toBe(1024);
    rmSync(here('moving'));
  });
});

describe('a body', () => {
  it('over what one request may carry is refused before it is read', async () => {
    const answer = await put('large', new Uint8Array(4 * 1024 * 1024 + 1));
    expect(refusal(answer)).toMatchObject({ status: 413, code: 'FILE_TOO_LARGE' });
  });

  it('of another type is refused, and nobody without the token is heard', async () => {
    const typed = await put('typed', 'x', { headers: { 'content-type': 'text/plain' } });
    expect(refusal(typed)).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' });
    const answer = await put('typed', 'x', { headers: { authorization: 'Bearer x' } });
    expect(refusal(answer).code).toBe('UNAUTHENTICATED');
    expect(refusal(await get('typed')).code).toBe('FILE_NOT_FOUND');
  });
});
