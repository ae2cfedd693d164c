/** The main job through the template: create, run, see output live, end. */

import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodeInterpreter } from '@code-interpreter/sdk';
import { describe, expect, test } from 'vitest';
import { api, createSandbox, target, untilStatus } from '../helpers/api.ts';

const client = new CodeInterpreter({ baseUrl: target.baseUrl, apiKey: target.apiKey });

describe('a sandbox', () => {
  test('is created, listed, read, terminated, and says so', async () => {
    const name = `test-${randomUUID()}`;
    const created = await api('/sandboxes', {
      body: { runtime: 'python', name, metadata: { run: name }, lifetimeMs: 60_000 },
    });
    expect(created).toMatchObject({
      status: 201,
      json: { success: true, data: { status: 'running', runtime: 'python', name } },
    });
    expect(created.headers.get('x-request-id')).toBeTruthy();
    const { id } = created.json.data;

    // A list may be a moment behind.
    const listed = async () => (await api(`/sandboxes?metadata.run=${name}`)).json.data.items;
    await expect
      .poll(async () => (await listed()).map((item: { id: string }) => item.id))
      .toEqual([id]);
    expect((await api(`/sandboxes/${id}`)).json.data).toMatchObject({ id, status: 'running' });

    for (let again = 0; again < 2; again++) {
      const ended = await api(`/sandboxes/${id}`, { method: 'DELETE' });
      expect(ended).toMatchObject({
        status: 202,
        json: { data: { status: expect.stringMatching(/^stopp/), endReason: 'terminated' } },
      });
    }
    expect(await untilStatus(id, 'stopped')).toMatchObject({ endReason: 'terminated' });
    const late = await api(`/sandboxes/${id}/execute`, { body: { code: '1' } });
    expect(late).toMatchObject({
      status: 410,
      json: { success: false, error: { code: 'SANDBOX_GONE' } },
    });
  });

  test('keeps its state between runs and gives results and errors as data', async () => {
    await using sandbox = await createSandbox();
    expect(await sandbox.run('x = 20\nprint("set")')).toMatchObject({
      outcome: 'ok',
      stdout: 'set\n',
      exitCode: 0,
    });
    expect((await sandbox.run('x + 1')).results[0]).toMatchObject({
      main: true,
      data: { 'text/plain': '21' },
    });
    const failed = await sandbox.run('1/0');
    expect(failed).toMatchObject({
      outcome: 'error',
      exitCode: 1,
      error: { name: 'ZeroDivisionError' },
    });
    const executions = async () =>
      (await api(`/sandboxes/${sandbox.id}/executions`)).json.data.items;
    const outcome = 'error';
    await expect
      .poll(executions)
      .toMatchObject([
        { outcome, lastSeq: expect.any(Number) },
        { outcome: 'ok' },
        { outcome: 'ok' },
      ]);
  });

  test('takes the environment, directory and stdin of its caller', async () => {
    await using sandbox = await createSandbox({ env: { GREETING: 'hello' } });
    const run = await sandbox.run(
      'import os\nprint(os.environ["GREETING"], os.environ["NAME"], os.getcwd(), input())',
      {
        env: { NAME: 'world' },
        cwd: '/tmp',
        stdin: 'typed\n',
      },
    );
    expect(run.stdout).toBe('hello world /tmp typed\n');
  });

  test('that is interrupted keeps its state', async () => {
    await using sandbox = await createSandbox();
    const started = await api(`/sandboxes/${sandbox.id}/execute`, {
      body: { code: 'kept = 1\nprint("begun", flush=True)\nwhile True: pass' },
      headers: { Prefer: 'respond-async' },
    });
    expect(started.status).toBe(202);
    const { id } = started.json.data;
    for (let after = 0; ; ) {
      const { items, nextCursor } = (
        await api(`/executions/${id}/events?after=${after}&waitMs=20000`)
      ).json.data;
      if (items.some((event: { type: string }) => event.type === 'stdout')) break;
      after = nextCursor;
    }
    expect((await api(`/executions/${id}`, { method: 'DELETE' })).status).toBe(202);
    expect(await sandbox.run('kept')).toMatchObject({
      outcome: 'ok',
      results: [{ data: { 'text/plain': '1' } }],
    });
    expect((await api(`/executions/${id}`)).json.data).toMatchObject({
      status: 'finished',
      outcome: 'interrupted',
    });
  });
});

test('the first line of output is seen before the code has ended', async () => {
  await using sandbox = await client.createSandbox({ runtime: 'python' });
  const marker = `go-${randomUUID()}`;
  const code = `
import os, time
open("${marker}", "w").close()
print("first line", flush=True)
while os.path.getsize("${marker}") == 0: time.sleep(0.01)
print("second line")`;
  const seen: string[] = [];
  await sandbox.execute(code, {
    onStdout: (text) => {
      seen.push(text);
      if (seen.length === 1)
        writeFileSync(join(workspaceWith(marker), marker), 'go', { flag: 'r+' });
    },
  });
  expect(seen.join('')).toBe('first line\nsecond line\n');
  expect(seen[0]).toBe('first line\n');
});

/** The workspace of the sandbox that holds a file, seen from the host; needs root, as CI is. */
function workspaceWith(file: string): string {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const workspace = join('/proc', pid, 'root', 'home/user');
    try {
      if (
        readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('python') &&
        readdirSync(workspace).includes(file)
      )
        return workspace;
    } catch {
      // Not a process of a sandbox, or gone meanwhile.
    }
  }
  throw new Error(`no sandbox has ${file}`);
}
