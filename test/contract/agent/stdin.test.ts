/** What code reads while it runs: parts in their order, bounded, to the end. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StdinResponse } from '../../../contract/agent/protocol.ts';
import { AgentErrorBody } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { type Answer, formOf, startAgent, type TestAgent } from '../../helpers/agent.ts';

const OPEN = { keepStdinOpen: true };

describe('stdin of an execution that runs', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'plain', env: { AGENT_INTERRUPT_GRACE_MS: '5000' } });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  const write = (id: string, seq: number, text: string, close?: boolean): Promise<Answer> =>
    agent.call('POST', `/executions/${id}/stdin`, { seq, text, ...(close ? { close } : {}) });
  const nextSeq = (answer: Answer) => {
    expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 202 });
    return StdinResponse.parse(answer.body).nextSeq;
  };
  const refusal = (answer: Answer) => AgentErrorBody.parse(answer.body);
  /** Once it has printed this. */
  const untilSaid = async (id: string, text: string) => {
    for await (const event of agent.events(id))
      if (event.type === 'stdout' && event.text?.includes(text)) return;
    throw new Error(`it ended and did not say ${text}`);
  };

  it('answers a question of the code, after what was given at the start', async () => {
    const code = 'print(input(), flush=True)\nprint(input("name? "))\ninput()';
    const id = await agent.start(code, { ...OPEN, stdin: 'first\n' });
    await untilSaid(id, 'name?');
    expect(nextSeq(await write(id, 1, 'Zoë 🦊\n'))).toBe(2);
    expect(nextSeq(await write(id, 2, '', true))).toBe(3);
    const run = await agent.result(id);
    expect(run.stdout).toBe('first\nname? Zoë 🦊\n');
    expect(run.error?.name).toBe('EOFError');
  });

  it('is read in the order of its numbers, each once, however it comes', async () => {
    const id = await agent.start('import sys; print(sys.stdin.read())', OPEN);
    expect(nextSeq(await write(id, 3, 'c'))).toBe(1);
    expect(nextSeq(await write(id, 2, 'b'))).toBe(1);
    expect(nextSeq(await write(id, 3, 'again'))).toBe(1);
    expect(nextSeq(await write(id, 1, 'a'))).toBe(4);
    expect(nextSeq(await write(id, 1, 'again'))).toBe(4);
    expect(nextSeq(await write(id, 4, 'd', true))).toBe(5);
    expect((await agent.result(id)).stdout).toBe('abcd\n');
  });

  it('may be written while the execution waits for its turn', async () => {
    const first = await agent.start('input()', OPEN);
    const second = await agent.start('print(input())', OPEN);
    expect(nextSeq(await write(second, 1, 'early\n'))).toBe(2);
    await write(first, 1, '', true);
    expect((await agent.result(second)).stdout).toBe('early\n');
  });

  it('is much more than a pipe holds, and arrives whole', async () => {
    const code = 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())';
    const text = Array.from({ length: 60_000 }, (_, at) => `${at} é🦊`).join('\n');
    const id = await agent.start(code, OPEN);
    nextSeq(await write(id, 1, text));
    nextSeq(await write(id, 2, text, true));
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text + text));
    expect((await agent.result(id)).stdout).toBe(`${Buffer.from(digest).toString('hex')}\n`);
  });

  it('refuses what is too far ahead of the number that is next', async () => {
    const id = await agent.start('import sys; print(len(sys.stdin.read()))', OPEN);
    const farthest = LIMITS.stdinPartsAhead + 1;
    expect(nextSeq(await write(id, farthest, 'x'))).toBe(1);
    const answer = await write(id, farthest + 1, 'x');
    expect(answer.status).toBe(429);
    expect(refusal(answer)).toMatchObject({
      code: 'RESOURCE_LIMIT_ERROR',
      details: { field: 'seq', nextSeq: 1, maximum: farthest },
    });
    for (let seq = 1; seq < farthest; seq += 1) nextSeq(await write(id, seq, 'x'));
    expect(nextSeq(await write(id, farthest + 1, '', true))).toBe(farthest + 2);
    expect((await agent.result(id)).stdout).toBe(`${farthest}\n`);
  });

  it('refuses more than may wait, takes it once the code has read, and never locks up', async () => {
    const id = await agent.start(
      'import sys; sys.stdin.readline(); print(len(sys.stdin.read()))',
      OPEN,
    );
    const mib = 'x'.repeat(LIMITS.stdinBytes);
    for (const seq of [4, 3]) expect(nextSeq(await write(id, seq, mib))).toBe(1);
    const ahead = await write(id, 5, mib);
    expect(refusal(ahead)).toMatchObject({ code: 'RESOURCE_LIMIT_ERROR', details: { nextSeq: 1 } });
    const waiting = await agent.start('1');
    expect(nextSeq(await write(id, 1, '\n'))).toBe(2);
    expect(nextSeq(await write(id, 2, mib))).toBe(5);
    for (;;) {
      const answer = await write(id, 5, '', true);
      if (answer.status !== 429) break;
    }
    expect((await agent.result(id)).stdout).toBe(`${3 * LIMITS.stdinBytes}\n`);
    expect((await agent.result(waiting)).finished.outcome).toBe('ok');
  });

  it('that nobody reads keeps neither the end nor the next execution waiting', async () => {
    const code =
      'import os, time\nprint("up", flush=True)\nwhile not os.path.exists("go"): time.sleep(0.002)';
    const id = await agent.start(code, OPEN);
    await untilSaid(id, 'up');
    for (const seq of [1, 2, 3]) nextSeq(await write(id, seq, 'y'.repeat(LIMITS.stdinBytes)));
    const full = await write(id, 4, 'y'.repeat(LIMITS.stdinBytes));
    const more = await write(id, 5, 'y'.repeat(LIMITS.stdinBytes));
    expect([full.status, more.status]).toContain(429);
    const next = await agent.start('input()');
    await agent.run('1', { language: 'bash' });
    await agent.run('touch go', { language: 'bash' });
    expect((await agent.result(id)).finished.outcome).toBe('ok');
    expect((await agent.result(next)).error?.name).toBe('EOFError');
  });

  it('takes nothing after it was closed, after the end, or where it was not kept open', async () => {
    const id = await agent.start('print(input())\ninput()', OPEN);
    await write(id, 1, 'last\n', true);
    const closed = await write(id, 2, 'more');
    expect(closed.status).toBe(409);
    expect(refusal(closed).code).toBe('INVALID_SANDBOX_STATE');
    await agent.result(id);
    const late = await write(id, 2, 'more');
    expect([late.status, refusal(late).message]).toEqual([
      409,
      expect.stringContaining('finished'),
    ]);
    const plain = await agent.start('input()');
    const unasked = await write(plain, 1, 'x');
    expect(unasked.status).toBe(409);
    await agent.result(plain);
    expect((await write('ex00000000000000000000', 1, 'x')).status).toBe(404);
  });

  it('does not close below a part that waits', async () => {
    const id = await agent.start('import sys; print(sys.stdin.read())', OPEN);
    await write(id, 3, 'c');
    expect(refusal(await write(id, 2, 'b', true)).details).toMatchObject({
      field: 'close',
      minimum: 4,
    });
    await write(id, 1, 'a');
    await write(id, 2, 'b');
    await write(id, 4, '', true);
    expect((await agent.result(id)).stdout).toBe('abc\n');
  });

  it('refuses parts that are none, and shows nothing of their text', async () => {
    const id = await agent.start('input()', OPEN);
    const bad = [
      { seq: 0, text: 'hush' },
      { seq: 1.5, text: 'hush' },
      { seq: 1 },
      { seq: 1, text: ['hush'] },
    ];
    for (const body of [...bad, { seq: 1, text: 'hush', more: 1 }]) {
      const answer = await agent.call('POST', `/executions/${id}/stdin`, body);
      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.body)).not.toContain('hush');
    }
    expect((await write(id, 1, 'é'.repeat(LIMITS.stdinBytes * 0.75))).status).toBe(413);
    await write(id, 1, '', true);
    await agent.result(id);
  });

  it('is waited for by code that an interrupt ends at once, with its state kept', async () => {
    const id = await agent.start('kept = 5\nprint("ask", flush=True)\ninput()', OPEN);
    await untilSaid(id, 'ask');
    await agent.call('POST', `/executions/${id}/interrupt`);
    const run = await agent.result(id);
    expect([run.finished.outcome, run.error?.name]).toEqual(['interrupted', 'KeyboardInterrupt']);
    expect(formOf((await agent.run('kept')).results[0])).toBe('5');
  });

  it('reaches child processes, and ends for the code though a forked child lives on', async () => {
    const code =
      'import os, subprocess, sys, time\nif os.fork() == 0:\n  time.sleep(60); os._exit(0)\nsubprocess.run(["cat"])';
    const id = await agent.start(code, OPEN);
    await write(id, 1, 'to a child', true);
    expect((await agent.result(id)).stdout).toBe('to a child');
  });

  it.each([
    {
      language: 'bash',
      ask: 'echo ask; read -r line; echo "<$line>"; cat',
      wait: 'kept=5; echo ask; read -r line; kept=6',
      unread: 'echo up; until [ -e js ]; do sleep 0.01; done',
      check: 'echo $kept; cat',
    },
    {
      language: 'javascript',
      ask: `const lines = require('readline').createInterface(process.stdin)[Symbol.asyncIterator]();
        console.log('ask'); const { value } = await lines.next(); console.log('<' + value + '>');
        for await (const line of lines) process.stdout.write(line);`,
      // Said once the code waits: an interrupt inside a print would leave the print undone.
      wait: `var kept = 5; setTimeout(() => console.log('ask')); for await (const part of process.stdin) kept = 6;`,
      unread: `console.log('up'); while (!require('fs').existsSync('js')) await new Promise((f) => setTimeout(f, 5));`,
      check: `console.log(kept); for await (const part of process.stdin) kept = 7;`,
    },
  ])(
    'is read so in $language too: live, interrupted, or not at all',
    async ({ language, ...code }) => {
      const id = await agent.start(code.ask, { ...OPEN, language });
      await untilSaid(id, 'ask');
      const big = 'é🦊'.repeat(150_000);
      await write(id, 2, big);
      await write(id, 1, 'Zoë\n');
      expect(nextSeq(await write(id, 3, '', true))).toBe(4);
      expect((await agent.result(id)).stdout).toBe(`ask\n<Zoë>\n${big}`);

      const waits = await agent.start(code.wait, { ...OPEN, language });
      await untilSaid(waits, 'ask');
      await agent.call('POST', `/executions/${waits}/interrupt`);
      expect((await agent.result(waits)).finished.outcome).toBe('interrupted');

      const unread = await agent.start(code.unread, { ...OPEN, language });
      await untilSaid(unread, 'up');
      for (const seq of [1, 2]) nextSeq(await write(unread, seq, 'y'.repeat(LIMITS.stdinBytes)));
      const next = await agent.start(code.check, { language });
      await agent.run('open("js", "w")');
      expect((await agent.result(unread)).finished.outcome).toBe('ok');
      expect((await agent.result(next)).stdout).toBe('5\n');
      await agent.run('import os; os.remove("js")');
    },
  );

  it('that code closes or takes from us harms its own run only', async () => {
    const code =
      'import os\nos.close(0)\nfor fd in range(100, 130):\n  try:\n    if os.readlink(f"/proc/self/fd/{fd}").startswith("pipe:"): os.close(fd)\n  except OSError: pass';
    const id = await agent.start(code, OPEN);
    await write(id, 1, 'lost');
    await agent.result(id);
    const next = await agent.start('print(input())', OPEN);
    await write(next, 1, 'heard\n');
    expect((await agent.result(next)).stdout).toBe('heard\n');
  });
});
