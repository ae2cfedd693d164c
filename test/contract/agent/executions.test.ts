import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DrainResponse } from '../../../contract/agent/protocol.ts';
import { AgentErrorBody } from '../../../contract/errors.ts';
import type { Event, EventLine } from '../../../contract/events.ts';
import { type Answer, newId, startAgent, type TestAgent } from '../../helpers/agent.ts';

const errorCode = (answer: Answer) => AgentErrorBody.parse(answer.body).code;
/** Code that runs until the test writes the file, so that nothing depends on how long things take. */
const untilFile = (name: string) =>
  `import os, time\nwhile not os.path.exists("${name}"): time.sleep(0.002)`;

describe('an execution', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({
      driver: 'plain',
      env: { AGENT_INTERRUPT_GRACE_MS: '300', AGENT_TIMEOUT_GRACE_MS: '300' },
      init: { env: { FROM_INIT: 'i', BOTH: 'i' } },
    });
  });
  afterAll(() => agent[Symbol.asyncDispose]());
  const touch = (name: string) => writeFile(join(agent.workspace, name), '');

  it('is told in events that are numbered from 1, with one `finished` at the end', async () => {
    const { events } = await agent.run('print("a")\n1 + 1');
    expect(events.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'started'],
      [2, 'stdout'],
      [3, 'result'],
      [4, 'finished'],
    ]);
    expect(events.at(-1)).toMatchObject({ outcome: 'ok', exitCode: 0 });
  });

  it('is heard while it runs', async () => {
    const id = await agent.start(`print("first")\n${untilFile('heard')}\nprint("second")`);
    const seen: string[] = [];
    for await (const event of agent.events(id)) {
      if (event.type !== 'stdout') continue;
      seen.push(event.text ?? '');
      if (seen.length === 1) await touch('heard');
    }
    expect(seen).toEqual(['first\n', 'second\n']);
  });

  it('keeps what it defines for the next one', async () => {
    await agent.run('kept = 41');
    expect((await agent.run('kept + 1')).results[0]?.data).toEqual({ 'text/plain': '42' });
  });

  it('is read from any cursor to the same end, and again', async () => {
    const code = 'import time\nfor i in range(20):\n  print(i)\n  time.sleep(0.006)';
    const { executionId, events } = await agent.run(code);
    expect(events.length).toBeGreaterThan(5);
    for (let after = 0; after <= events.length; after += 1)
      expect(await Array.fromAsync(agent.events(executionId, after))).toEqual(events.slice(after));
  });

  it('loses and doubles nothing for a reader that is cut again and again', async () => {
    const id = await agent.start(
      'import time\nfor i in range(150):\n  print(i)\n  time.sleep(0.001)',
    );
    const seen: EventLine[] = [];
    for (let epoch = 1; seen.at(-1) === undefined || !isFinished(seen.at(-1)); epoch += 1) {
      const cut = new AbortController();
      let budget = 1 + Math.floor(Math.random() * 5);
      try {
        for await (const line of agent.lines(id, seen.length, epoch, cut.signal)) {
          seen.push(line);
          budget -= 1;
          if (budget === 0) cut.abort();
        }
      } catch (error) {
        if (!cut.signal.aborted) throw error;
      }
    }
    expect(seen).toEqual(await Array.fromAsync(agent.events(id, 0, 10_000)));
  });

  it('answers the same to the same start, and refuses another under its id', async () => {
    const body = { executionId: newId('ex'), code: 'n = 1', language: 'python', timeoutMs: 5_000 };
    const first = await agent.call('POST', '/executions', { ...body, env: { A: '1', B: '2' } });
    expect(first.status).toBe(201);
    const events = await Array.fromAsync(agent.events(body.executionId));
    const again = await agent.call('POST', '/executions', { env: { B: '2', A: '1' }, ...body });
    expect([again.status, again.body]).toEqual([
      201,
      { executionId: body.executionId, status: 'finished' },
    ]);
    expect(await Array.fromAsync(agent.events(body.executionId))).toEqual(events);
    const other = await agent.call('POST', '/executions', { ...body, code: 'n = 2' });
    expect([other.status, errorCode(other)]).toEqual([409, 'IDEMPOTENCY_CONFLICT']);
  });

  it('ends for the older reader, told so, when a newer epoch comes, and is refused to an older one', async () => {
    const id = await agent.start(`print("x")\n${untilFile('epochs')}`);
    const older = agent.lines(id, 0, 3);
    await older.next();
    const newer = agent.lines(id, 0, 4);
    await newer.next();
    expect((await Array.fromAsync(older)).at(-1)).toEqual({ superseded: true });
    const stale = await agent.call('GET', `/executions/${id}/events?after=0&epoch=3`);
    expect([stale.status, errorCode(stale)]).toEqual([409, 'INVALID_SANDBOX_STATE']);
    await touch('epochs');
    const rest = await Array.fromAsync(newer);
    expect(isFinished(rest.at(-1))).toBe(true);
  });

  it('ends at its time limit by an interrupt, and the state is kept', async () => {
    await agent.run('survives = 1');
    const { limits, error, finished } = await agent.run('while True: pass', { timeoutMs: 150 });
    expect(limits).toMatchObject([{ limit: 'timeout', value: 150 }]);
    expect(error?.name).toBe('KeyboardInterrupt');
    expect(error?.traceback).not.toContain('kernel_io');
    expect(finished).toMatchObject({ outcome: 'timeout', exitCode: 1 });
    expect((await agent.run('survives')).results).toHaveLength(1);
  });

  it('that will not be interrupted is killed, says that its state is lost, and the next runs', async () => {
    await agent.run('gone = 1');
    const stubborn =
      'import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass';
    const { error, finished } = await agent.run(stubborn, { timeoutMs: 150 });
    expect(error).toMatchObject({ name: 'KernelLost' });
    expect(finished).toMatchObject({ outcome: 'timeout', exitCode: 137, signal: 'SIGKILL' });
    expect((await agent.run('gone')).error?.name).toBe('NameError');
  });

  it('runs on a fresh interpreter where the last one died between two runs', async () => {
    const { stdout } = await agent.run(
      'import os, threading, time\ndef die():\n  while not os.path.exists("die"): time.sleep(0.001)\n  os._exit(9)\nthreading.Thread(target=die).start()\nprint(os.getpid())',
    );
    const outside = agent.pidOutside(Number(stdout));
    expect(outside).toBeDefined();
    await touch('die');
    await vi.waitFor(() => expect(() => process.kill(outside ?? 0, 0)).toThrow('ESRCH'), {
      interval: 1,
    });
    const { finished } = await agent.run('print("alive")');
    expect(finished.outcome).toBe('ok');
  });

  it('can be interrupted, with what it has started', async () => {
    const id = await agent.start('import subprocess\nprint("up")\nsubprocess.run(["sleep", "60"])');
    for await (const event of agent.events(id)) {
      if (event.type === 'stdout') {
        const answer = await agent.call('POST', `/executions/${id}/interrupt`);
        expect([answer.status, answer.body]).toEqual([202, { executionId: id, interrupted: true }]);
      }
      if (event.type === 'finished') expect(event.outcome).toBe('interrupted');
    }
    const late = await agent.call('POST', `/executions/${id}/interrupt`);
    expect(late.body).toEqual({ executionId: id, interrupted: false });
  });

  it('waits for those before it, and leaves the queue when it is interrupted', async () => {
    const first = await agent.start(untilFile('queue'));
    const body = {
      code: 'order = 2',
      language: 'python',
      timeoutMs: 5_000,
      executionId: newId('ex'),
    };
    const second = await agent.call('POST', '/executions', body);
    expect(second.body).toMatchObject({ status: 'queued' });
    const third = await agent.start('order');
    await agent.call('POST', `/executions/${body.executionId}/interrupt`);
    await touch('queue');
    expect((await agent.result(first)).finished.outcome).toBe('ok');
    expect((await agent.result(third)).error?.name).toBe('NameError');
    const left = await agent.result(body.executionId);
    expect(left.events).toHaveLength(1);
    expect(left.finished).toMatchObject({ outcome: 'interrupted', exitCode: null });
  });

  it('is refused when too many wait', async () => {
    const first = await agent.start(untilFile('full'));
    const waiting = await Promise.all(Array.from({ length: 16 }, () => agent.start('1')));
    const body = { executionId: newId('ex'), code: '1', language: 'python', timeoutMs: 1_000 };
    const refused = await agent.call('POST', '/executions', body);
    expect([refused.status, errorCode(refused)]).toEqual([429, 'RESOURCE_LIMIT_ERROR']);
    expect(refused.headers.get('retry-after')).toBe('1');
    await touch('full');
    for (const id of [first, ...waiting])
      expect((await agent.result(id)).finished.outcome).toBe('ok');
    expect((await agent.call('POST', '/executions', body)).status).toBe(201);
  });

  it('gets the sandbox’s environment, and its own for itself only', async () => {
    const show =
      'import os; print(os.environ.get("FROM_INIT"), os.environ.get("BOTH"), os.environ.get("OWN"))';
    const { stdout } = await agent.run(show, { env: { BOTH: 'own', OWN: 'own' } });
    expect(stdout).toBe('i own own\n');
    expect((await agent.run(show)).stdout).toBe('i i None\n');
  });

  it('starts in the workspace, or where it asks for, for itself only', async () => {
    const where = 'import os; os.getcwd()';
    const text = async (cwd?: string) =>
      (await agent.run(where, cwd === undefined ? {} : { cwd })).results[0]?.data?.['text/plain'];
    expect(await text()).toBe(`'${agent.workspace}'`);
    expect(await text('/usr')).toBe("'/usr'");
    expect(await text()).toBe(`'${agent.workspace}'`);
    const missing = await agent.run('1', { cwd: '/no/such/folder' });
    expect(missing.error?.name).toBe('FileNotFoundError');
  });

  it('reads its stdin, and meets its end where there is none', async () => {
    const echo = 'print(input(), input())';
    expect((await agent.run(echo, { stdin: 'one\ntwo\n' })).stdout).toBe('one two\n');
    expect((await agent.run('input()')).error?.name).toBe('EOFError');
    const child = 'import subprocess; subprocess.run(["cat"])';
    expect((await agent.run(child, { stdin: 'to a child é' })).stdout).toBe('to a child é');
  });

  it('is measured', async () => {
    const { finished } = await agent.run(
      'x = bytearray(60_000_000)\nfor i in range(3_000_000): pass',
    );
    const { wallMs, cpuUserMs, memoryPeakBytes } = finished.metrics;
    expect(wallMs).toBeGreaterThan(0);
    expect(cpuUserMs).toBeGreaterThan(0);
    expect(memoryPeakBytes).toBeGreaterThan(60_000_000);
  });

  it('is forgotten by its spool on demand, once it has finished', async () => {
    const id = await agent.start(untilFile('spool'));
    const early = await agent.call('DELETE', `/executions/${id}/spool`);
    expect([early.status, errorCode(early)]).toEqual([409, 'INVALID_SANDBOX_STATE']);
    await touch('spool');
    await agent.result(id);
    for (let times = 0; times < 2; times += 1)
      expect((await agent.call('DELETE', `/executions/${id}/spool`)).status).toBe(204);
    const gone = await agent.call('GET', `/executions/${id}/events?after=0&epoch=1`);
    expect([gone.status, errorCode(gone)]).toEqual([410, 'CURSOR_EXPIRED']);
  });
});

describe('an event stream', () => {
  it('says in silence that it lives', async () => {
    await using agent = await startAgent({ driver: 'plain', env: { AGENT_KEEPALIVE_MS: '20' } });
    const id = await agent.start(untilFile('silent'));
    let keepalives = 0;
    for await (const line of agent.lines(id)) {
      if (!('keepalive' in line)) continue;
      keepalives += 1;
      if (keepalives === 3) await writeFile(join(agent.workspace, 'silent'), '');
    }
    expect(keepalives).toBeGreaterThanOrEqual(3);
  });
});

describe('the end of a sandbox', () => {
  it('by a drain kills what runs and waits, and answers once all was read', async () => {
    await using agent = await startAgent({ driver: 'plain' });
    const running = await agent.start('print("up")\nwhile True: pass');
    const queued = await agent.start('1');
    const up = Promise.withResolvers<void>();
    const reading = (async () => {
      const events: Event[] = [];
      for await (const event of agent.events(running)) {
        events.push(event);
        if (event.type === 'stdout') up.resolve();
      }
      return events;
    })();
    await up.promise;
    const readingQueued = agent.result(queued);
    const began = performance.now();
    const answer = await agent.call('POST', '/drain');
    expect(performance.now() - began).toBeLessThan(4_000);
    const { killed, unread } = DrainResponse.parse(answer.body);
    expect([killed.toSorted(), unread]).toEqual([[running, queued].toSorted(), []]);
    expect((await reading).at(-1)).toMatchObject({ outcome: 'killed', signal: 'SIGKILL' });
    expect((await readingQueued).finished).toMatchObject({ outcome: 'killed', exitCode: null });
    const late = { executionId: newId('ex'), code: '1', language: 'python', timeoutMs: 1_000 };
    expect(errorCode(await agent.call('POST', '/executions', late))).toBe('INVALID_SANDBOX_STATE');
    expect(JSON.stringify((await agent.call('GET', '/logs')).body)).toContain('killed what ran');
  });

  it('by a drain names what nobody has read', async () => {
    await using agent = await startAgent({ driver: 'plain', env: { AGENT_DRAIN_MS: '50' } });
    const read = await agent.run('1');
    const unread = await agent.start('2');
    const answer = DrainResponse.parse((await agent.call('POST', '/drain')).body);
    expect(answer.unread).toEqual([unread]);
    expect(answer.unread).not.toContain(read.executionId);
  });

  it('comes at the deadline, 60 s after it expires, with exit code 0', async () => {
    await using agent = await startAgent({ driver: 'plain', init: false });
    const expiresAt = new Date(Date.now() - 60_000 + 1_500).toISOString();
    await agent.init({ expiresAt });
    await agent.start('while True: pass');
    // One that crossed it on its way and is earlier changes nothing.
    const earlier = new Date(Date.now() - 70_000).toISOString();
    const moved = await agent.call('PUT', '/deadline', { expiresAt: earlier });
    expect([moved.status, moved.body]).toEqual([200, { expiresAt: earlier }]);
    expect(await agent.exited).toEqual({ code: 0, signal: null });
    expect(agent.logLines.join('\n')).toContain('the deadline has passed');
  });

  it('comes within 3 s of SIGTERM, and no process of user code is left', async () => {
    const agent = await startAgent({ driver: 'plain' });
    const id = await agent.start(
      'import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(os.getpid())\nwhile True: pass',
    );
    let pid = 0;
    for await (const event of agent.events(id))
      if (event.type === 'stdout') {
        pid = Number(event.text);
        break;
      }
    const began = performance.now();
    const outside = agent.pidOutside(pid);
    expect(outside).toBeDefined();
    agent.terminate();
    expect(await agent.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(() => process.kill(outside ?? 0, 0)).toThrow('ESRCH');
    await agent[Symbol.asyncDispose]();
  });
});

const isFinished = (line: EventLine | undefined) =>
  line !== undefined && 'type' in line && line.type === 'finished';
