/** File operations through the real launcher: whose rights they have, and what user code can do to them. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canUseLauncher, startAgent, type TestAgent } from '../../helpers/agent.ts';
import { query, refusal, send } from '../../helpers/agent-files.ts';

describe.skipIf(!canUseLauncher)('a file operation', () => {
  let guarded: TestAgent;
  beforeAll(async () => {
    guarded = await startAgent({ driver: 'plain', files: true, launcher: true });
  });
  afterAll(() => guarded[Symbol.asyncDispose]());

  it('writes what belongs to the user of code, who can read and change it', async () => {
    expect((await send(guarded, 'PUT', 'new/file', { body: 'from outside' })).status).toBe(200);
    const { stdout } = await guarded.run(`import os
print([os.stat(p).st_uid for p in ('new', 'new/file')], open('new/file').read())
open('new/file', 'a').write(', from inside')`);
    expect(stdout).toBe(`[${guarded.uid}, ${guarded.uid}] from outside\n`);
    expect((await send(guarded, 'GET', 'new/file')).text).toBe('from outside, from inside');
  });

  it('has the rights of user code, and none of the agent', async () => {
    writeFileSync(join(guarded.workspace, 'of-root'), 'secret', { mode: 0o600 });
    mkdirSync(join(guarded.workspace, 'folder-of-root'));
    for (const [method, path, sent] of [
      ['GET', 'of-root', {}],
      ['PUT', 'folder-of-root/x', { body: 'x' }],
      ['GET', join(guarded.folder, 'spool/x'), {}],
    ] as const)
      expect(refusal(await send(guarded, method, path, sent))).toMatchObject({
        status: 403,
        code: 'PERMISSION_DENIED',
      });
  });

  it('can neither be seen into, nor stopped, nor ended by user code', async () => {
    const bytes = new Uint8Array(1024 * 1024);
    const sent = await fetchSlowly(guarded, 'held', bytes, async () => {
      const { stdout } = await guarded.run(`import os, signal
found = []
for pid in filter(str.isdigit, os.listdir('/proc')):
    try:
        words = open(f'/proc/{pid}/cmdline', 'rb').read()
        if b'files-helper' not in words or b'${guarded.workspace}' not in words: continue
    except OSError: continue
    for attempt in (lambda: os.kill(int(pid), signal.SIGKILL), lambda: open(f'/proc/{pid}/mem', 'rb+'), lambda: os.listdir(f'/proc/{pid}/fd')):
        try: attempt(); found.append('done')
        except OSError as error: found.append(type(error).__name__)
try: os.kill(-1, 0)
except OSError: pass
print(found)`);
      expect(stdout).toBe("['PermissionError', 'PermissionError', 'PermissionError']\n");
    });
    expect(sent).toBe(200);
  });

  it('refuses a file over the largest size before its bytes are written', async () => {
    await using small = await startAgent({
      driver: 'plain',
      files: true,
      launcher: true,
      env: { AGENT_FILE_BYTES: '1000000' },
    });
    const answer = await send(small, 'PUT', 'large', { body: new Uint8Array(1_000_001) });
    expect(refusal(answer)).toMatchObject({ status: 413, code: 'FILE_TOO_LARGE' });
    expect(readdirSync(small.workspace)).toEqual([]);
  });
});

/** A PUT whose second half is sent once something else was done. */
async function fetchSlowly(
  on: TestAgent,
  path: string,
  bytes: Uint8Array,
  meanwhile: () => Promise<void>,
): Promise<number | undefined> {
  const half = bytes.length / 2;
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const call = request(`${on.baseUrl}/files?${query({ path })}`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${on.token}`,
      'content-type': 'application/octet-stream',
      'content-length': bytes.length,
    },
  });
  call.on('error', reject).on('response', (response) => resolve(response.resume().statusCode));
  await new Promise((sent) => call.write(bytes.subarray(0, half), sent));
  await expect
    .poll(() => readdirSync(on.workspace).filter((name) => name.startsWith('.upload')).length)
    .toBe(1);
  await meanwhile();
  call.end(bytes.subarray(half));
  return promise;
}
