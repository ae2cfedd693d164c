/** Code that prints and takes too much: what is kept and what is dropped is exact, and a next run works. */
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../contract/limits.ts';
import { api, createSandbox } from '../helpers/api.ts';
import { expectAlive, lastEvents, survivesEach } from '../helpers/hostile.ts';

const MIB = 1024 * 1024;
/** A GB takes the same way, and 20 s of two shared cores. */
const FLOOD_MIB = 200;

test('a flood ends well, its head is kept, and what is dropped is counted to the byte', async () => {
  await using sandbox = await createSandbox();
  const started = await api(`/sandboxes/${sandbox.id}/execute`, {
    body: {
      code: `import os\nblock = b"${'0123456789abcdef'.repeat(4)}" * 16384\nfor _ in range(${FLOOD_MIB}): os.write(1, block)\nprint("end")`,
    },
    headers: { Prefer: 'respond-async' },
  });
  let after = 0;
  let kept = 0;
  const others = [];
  for (let finished = false; !finished; ) {
    const { data } = (
      await api(`/executions/${started.json.data.id}/events?after=${after}&waitMs=20000`)
    ).json;
    for (const event of data.items) {
      expect(event.seq).toBe(++after);
      if (event.type === 'stdout') kept += event.text.length;
      else others.push(event);
    }
    finished = data.finished;
  }
  expect(kept).toBe(LIMITS.outputBytes);
  expect(others).toMatchObject([
    { seq: 1, type: 'started' },
    { type: 'limit', limit: 'output', value: LIMITS.outputBytes },
    { seq: after - 1, type: 'truncated', droppedBytes: FLOOD_MIB * MIB + 'end\n'.length - kept },
    { seq: after, type: 'finished', outcome: 'ok', exitCode: 0 },
  ]);
  await expectAlive(sandbox);
});

describe('code that takes', () => {
  survivesEach({
    'processes without end is stopped': {
      code: `
import os
while True:
  try: os.fork()
  except OSError: pass`,
      options: { timeoutMs: 1_000 },
      ends: { outcome: 'timeout' },
      says: [{ type: 'limit', limit: 'timeout', value: 1_000 }, { type: 'error' }],
    },
    'threads without end is told so': {
      code: `
import threading, time
while True: threading.Thread(target=time.sleep, args=(1,), daemon=True).start()`,
      ends: { outcome: 'error', error: { name: 'RuntimeError', value: "can't start new thread" } },
      says: [{ type: 'error' }, { type: 'limit', limit: 'processes' }],
    },
    'more memory at once than there is is told so': {
      code: 'x = b"x" * (1 << 40)',
      ends: { outcome: 'out_of_memory', error: { name: 'MemoryError' } },
      says: [{ type: 'error' }, { type: 'limit', limit: 'memory' }],
    },
    'memory bit by bit until there is none is told so': {
      code: 'x = []\nwhile True: x.append(bytearray(1 << 26))',
      ends: { outcome: 'out_of_memory', error: { name: 'MemoryError' } },
      says: [{ type: 'error' }, { type: 'limit', limit: 'memory' }],
    },
    'the stack without end is told so': {
      code: 'def f(): return f()\nf()',
      ends: { outcome: 'error', exitCode: 1, error: { name: 'RecursionError' } },
      says: [{ type: 'error', name: 'RecursionError' }],
    },
  });

  test('nothing at all ends well', async () => {
    await using sandbox = await createSandbox();
    expect(await sandbox.run('')).toMatchObject({ outcome: 'ok', stdout: '', results: [] });
    await expectAlive(sandbox);
  });
});

describe('output', () => {
  test('of one line of 1 MiB is whole', async () => {
    await using sandbox = await createSandbox();
    const run = await sandbox.run('print("y" * (1 << 20), end="")');
    expect(run).toMatchObject({ outcome: 'ok', stdoutTruncated: false, truncated: false });
    expect(run.stdout === 'y'.repeat(MIB)).toBe(true);
    const more = await sandbox.run('print("y" * (1 << 20))');
    expect(more).toMatchObject({ outcome: 'ok', stdoutTruncated: true, truncated: false });
    await expectAlive(sandbox);
  });

  test('of half a character is whole again, or said as bytes', async () => {
    await using sandbox = await createSandbox();
    const run = await sandbox.run(
      'import os\n_ = os.write(1, b"a\\xe2\\x82")\n_ = os.write(1, b"\\xac|\\xe2")',
    );
    expect(run).toMatchObject({ outcome: 'ok', stdout: 'a€|\ufffd' });
    const parts = (await lastEvents(run, 10)).filter(({ type }) => type === 'stdout');
    const bytes = parts.map((part) =>
      'base64' in part ? Buffer.from(String(part.base64), 'base64') : Buffer.from(textOf(part)),
    );
    expect(Buffer.concat(bytes)).toEqual(Buffer.from([0x61, 0xe2, 0x82, 0xac, 0x7c, 0xe2]));
    await expectAlive(sandbox);
  });

  test('of NUL is output like any other', async () => {
    await using sandbox = await createSandbox();
    expect(await sandbox.run('print("a\\0b")')).toMatchObject({ outcome: 'ok', stdout: 'a\0b\n' });
    const code = await sandbox.run('print(1)\0');
    expect(code).toMatchObject({
      outcome: 'error',
      stdout: '',
      error: { name: expect.stringMatching(/Error$/) },
    });
    await expectAlive(sandbox);
  });
});

const textOf = (event: object): string => ('text' in event ? String(event.text) : '');
