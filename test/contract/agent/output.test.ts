import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Event } from '../../../contract/events.ts';
import { startAgent, type TestAgent } from '../../helpers/agent.ts';

const bytesOf = (events: Event[], type: 'stdout' | 'stderr'): Buffer =>
  Buffer.concat(
    events.map((event) => {
      if (event.type !== type) return Buffer.alloc(0);
      return event.base64 === undefined
        ? Buffer.from(event.text ?? '')
        : Buffer.from(event.base64, 'base64');
    }),
  );

describe('output', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'plain' });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it('of Python, its children and C code comes in the order in which it was written', async () => {
    const { stdout } = await agent.run(
      [
        'import ctypes, os, subprocess, sys',
        'print("1", end="")',
        'os.system("printf 2")',
        'subprocess.run(["printf", "3"])',
        'os.write(1, b"4")',
        'sys.stdout.buffer.write(b"5")',
        'ctypes.CDLL(None).printf(b"6")',
      ].join('\n'),
    );
    expect(stdout).toBe('123456');
  });

  it('reaches the shell’s own names for it', async () => {
    const { stdout, stderr } = await agent.run(
      'import os; os.system("echo out > /dev/stdout; echo err > /dev/stderr")',
    );
    expect([stdout, stderr]).toEqual(['out\n', 'err\n']);
  });

  it('is told as it is, whatever its bytes', async () => {
    const { events } = await agent.run(
      'import sys\nfor at in range(3): sys.stdout.buffer.write(bytes(range(256)) * 100)',
    );
    expect(
      bytesOf(events, 'stdout').equals(
        Buffer.concat(Array(300).fill(Buffer.from(Array.from({ length: 256 }, (_, at) => at)))),
      ),
    ).toBe(true);
  });

  it('never splits a character that is written in parts', async () => {
    const { stdout, events } = await agent.run(
      'import os, time\nfor byte in "a€🙂".encode(): os.write(1, bytes([byte])); time.sleep(0.01)',
    );
    expect(stdout).toBe('a€🙂');
    expect(events.some((event) => 'base64' in event)).toBe(false);
  });

  it('of a thread between two runs is not told to the next', async () => {
    const { stdout } = await agent.run(
      'import os, threading, time\ngo = threading.Event()\ndef late():\n  go.wait(); os.write(1, b"stray"); os.write(1, b"!"*100)\nthreading.Thread(target=late).start()\nprint("mine")',
    );
    expect(stdout).toBe('mine\n');
    const next = await agent.run('print("next")');
    expect(next.stdout).toBe('next\n');
    await agent.run('go.set()');
  });

  it('of a child that outlives its run does not hold up the end', async () => {
    const began = performance.now();
    const { stdout } = await agent.run(
      'import subprocess\nchild = subprocess.Popen(["sleep", "30"])\nprint("done")',
    );
    expect(stdout).toBe('done\n');
    expect(performance.now() - began).toBeLessThan(5_000);
    expect((await agent.run('child.poll() is None')).results[0]?.data?.['text/plain']).toBe('True');
    await agent.run('child.kill()');
  });

  it('comes in lines, each at once', async () => {
    const { events } = await agent.run(
      'import time\nfor i in range(3): print(i); time.sleep(0.02)',
    );
    const texts = events.flatMap((event) => (event.type === 'stdout' ? [event.text] : []));
    expect(texts).toEqual(['0\n', '1\n', '2\n']);
  });

  it('of threads is not mixed within a line', async () => {
    const { stdout } = await agent.run(
      'import threading\ndef say(n):\n  for _ in range(50): print(str(n) * 40)\nthreads = [threading.Thread(target=say, args=(n,)) for n in range(4)]\nfor t in threads: t.start()\nfor t in threads: t.join()',
    );
    const lines = stdout.split('\n').slice(0, -1);
    expect(lines).toHaveLength(200);
    for (const line of lines) expect(line).toMatch(/^(\d)\1{39}$/);
  });
});

describe('the output cap', () => {
  let agent: TestAgent;
  const cap = 100_000;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'plain', env: { AGENT_OUTPUT_BYTES: String(cap) } });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it('keeps the head, tells where it was hit and what was dropped, and lets the code end', async () => {
    const { events, limits, finished } = await agent.run(
      'import os\nfor i in range(50): os.write(1, b"x" * 10_000)\nos.write(2, b"late")\n"the value"',
    );
    // Two pipes have no order between them, so that the late bytes may be heard before the last of the others.
    const kept = (['stdout', 'stderr'] as const).map((type) => bytesOf(events, type).length);
    expect(kept.reduce((sum, bytes) => sum + bytes)).toBe(cap);
    expect(limits).toMatchObject([{ limit: 'output', value: cap }]);
    expect(events.slice(-3).map(({ type }) => type)).toEqual(['result', 'truncated', 'finished']);
    expect(events.at(-2)).toMatchObject({ droppedBytes: 400_004 });
    expect(finished.outcome).toBe('ok');
  });

  it('is not crossed by a character', async () => {
    const { events, stdout } = await agent.run('print("€" * 50_000, end="")');
    expect(stdout).toBe('€'.repeat(33_333));
    expect(events.at(-2)).toMatchObject({ type: 'truncated', droppedBytes: 150_000 - 99_999 });
  });

  it('lets results and errors pass within 1 MiB, and the first error always', async () => {
    const { events, error, results } = await agent.run(
      'print("x" * 200_000)\nraise ValueError("why")',
    );
    expect(error?.value).toBe('why');
    expect(results).toEqual([]);
    expect(events.at(-2)?.type).toBe('truncated');
    const large = await agent.run('print("x" * 200_000)\n"y" * 2_000_000');
    expect(large.results).toEqual([]);
    const truncated = large.events.at(-2);
    const dropped = truncated?.type === 'truncated' ? truncated.droppedBytes : 0;
    expect(dropped).toBeGreaterThan(2_000_000 + 200_001 - cap);
  });
});

describe('an agent that hears very much', () => {
  it('stays small, keeps the head and reads all of it', async () => {
    await using agent = await startAgent({ driver: 'plain' });
    await agent.run('1');
    const before = await residentBytes(agent.pid);
    const megabytes = 300;
    const id = await agent.start(
      `import os\nblock = b"${'0123456789'.repeat(10)}" * 10_000\nfor i in range(${megabytes}): os.write(1, block)`,
    );
    let [bytes, peak] = [0, 0];
    for await (const event of agent.events(id)) {
      if (event.type === 'stdout') bytes += Buffer.byteLength(event.text ?? '');
      if (event.seq % 500 === 0) peak = Math.max(peak, await residentBytes(agent.pid));
      if (event.type === 'truncated')
        expect(event.droppedBytes).toBe(megabytes * 1e6 - 64 * 1024 ** 2);
      if (event.type === 'finished') expect(event.outcome).toBe('ok');
    }
    expect(bytes).toBe(64 * 1024 ** 2);
    expect(peak - before).toBeLessThan(100 * 1024 ** 2);
  });
});

async function residentBytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}
