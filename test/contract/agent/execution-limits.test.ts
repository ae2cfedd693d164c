/** What one execution may use, as its caller asks, and what it is told that it used. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAgent, type TestAgent } from '../../helpers/agent.ts';

const MIB = 1024 * 1024;

describe('an execution with limits of its own', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'plain', env: { AGENT_TIMEOUT_GRACE_MS: '300' } });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it.each([
    ['python', 'kept = 1\nwhile True: pass', 'kept', '1'],
    ['javascript', 'var kept = 1; for (;;) ;', 'kept', '1'],
  ])(
    'of CPU time is interrupted in %s, and keeps its state',
    async (language, code, name, kept) => {
      const { limits, finished } = await agent.run(code, { language, limits: { cpuMs: 200 } });
      expect(limits).toMatchObject([{ limit: 'cpu', value: 200 }]);
      expect(finished).toMatchObject({ outcome: 'timeout', metrics: { limit: 'cpu' } });
      expect((await agent.run(name, { language })).results[0]?.data?.['text/plain']).toBe(kept);
    },
  );

  it('counts the CPU time of what it has started, and of no earlier run', async () => {
    const burn = (ms: number) =>
      `import time\nend = time.process_time() + ${ms / 1000}\nwhile time.process_time() < end: pass`;
    const options = { limits: { cpuMs: 400 } };
    for (const _ of [1, 2])
      expect((await agent.run(burn(250), options)).finished.outcome).toBe('ok');
    const { finished } = await agent.run('kept=2; (while :; do :; done) | cat', {
      language: 'bash',
      ...options,
    });
    expect(finished.outcome).toBe('timeout');
    const { cpuUserMs = 0, cpuSystemMs = 0 } = finished.metrics;
    expect(cpuUserMs + cpuSystemMs).toBeGreaterThanOrEqual(400);
    expect((await agent.run('echo $kept', { language: 'bash' })).stdout).toBe('2\n');
  });

  it('of memory ends as out of memory, whoever holds it', async () => {
    const hold = 'held = b"x" * 300_000_000\nimport time\ntime.sleep(20)';
    const inChild = `import subprocess, sys\nsubprocess.run([sys.executable, "-c", ${JSON.stringify(hold)}])`;
    for (const code of [hold, inChild]) {
      const { limits, finished } = await agent.run(code, { limits: { memoryMb: 200 } });
      expect(limits).toMatchObject([{ limit: 'memory', value: 200 * MIB }]);
      expect(finished).toMatchObject({ outcome: 'out_of_memory', metrics: { limit: 'memory' } });
      expect(finished.metrics.memoryPeakBytes).toBeGreaterThan(200 * MIB);
      await agent.run('held = None');
    }
  });

  it('of processes is ended by one more, and those before it do not count', async () => {
    const start = (count: number) =>
      `import subprocess, time\np = [subprocess.Popen(["sleep", "20"]) for _ in range(${count})]\ntime.sleep(0.3)`;
    const options = { limits: { processes: 3 } };
    for (const _ of [1, 2])
      expect((await agent.run(start(3), options)).finished.outcome).toBe('ok');
    const { limits, finished } = await agent.run(`${start(4)}\ntime.sleep(20)`, options);
    expect(limits).toMatchObject([{ limit: 'processes', value: 3 }]);
    expect(finished).toMatchObject({ outcome: 'killed', metrics: { limit: 'processes' } });
  });

  it.each([
    ['python', 'f = open("large", "wb", 0)\nfor _ in range(9): f.write(b"x" * 1000)'],
    ['javascript', 'require("fs").writeFileSync("large", "x".repeat(9000))'],
    ['bash', 'head -c 9000 /dev/zero > large'],
  ])('of file size fails its writes in %s, for that run only', async (language, code) => {
    const { limits, finished } = await agent.run(code, { language, limits: { fileBytes: 5000 } });
    expect(limits).toMatchObject([{ limit: 'file_size', value: 5000 }]);
    expect(finished).toMatchObject({ outcome: 'error', metrics: { limit: 'file_size' } });
    expect((await agent.run(code, { language })).finished.outcome).toBe('ok');
  });

  it('of file size holds again for the next run, where the code has lifted it', async () => {
    const options = { language: 'javascript', limits: { fileBytes: 5000 } };
    await agent.run(
      'require("child_process").execFileSync("prlimit", ["--pid", process.pid, "--fsize=unlimited:"])',
      options,
    );
    const { finished } = await agent.run(
      'require("fs").writeFileSync("large", "x".repeat(9000))',
      options,
    );
    expect(finished).toMatchObject({ outcome: 'error', metrics: { limit: 'file_size' } });
  });

  it('of file size is told of no run that was asked for none', async () => {
    const status = () => agent.run('(exit 153)', { language: 'bash' });
    const { finished } = await status();
    expect(finished.outcome).toBe('error');
    expect(finished.metrics.limit).toBeUndefined();
  });

  it('of file size goes on in Bash where the shell itself writes', async () => {
    const code = 'x=1; for i in {1..9000}; do printf x; done > large 2>/dev/null; echo $x';
    const { stdout } = await agent.run(code, { language: 'bash', limits: { fileBytes: 5000 } });
    expect(stdout).toBe('1\n');
  });

  it('of output keeps the head, and the code ends by itself', async () => {
    const { events, finished } = await agent.run('print("x" * 5000)\n7', {
      limits: { outputBytes: 1000 },
    });
    expect(events.map((event) => event.type)).toEqual([
      'started',
      'stdout',
      'limit',
      'result',
      'truncated',
      'finished',
    ]);
    expect(events[4]).toMatchObject({ droppedBytes: 4001 });
    expect(finished).toMatchObject({ outcome: 'ok', metrics: { limit: 'output' } });
  });

  it('that will not be interrupted is killed with its interpreter', async () => {
    const code = 'import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass';
    const { error, finished } = await agent.run(code, { limits: { cpuMs: 100 } });
    expect(error?.name).toBe('KernelLost');
    expect(finished).toMatchObject({
      outcome: 'timeout',
      signal: 'SIGKILL',
      metrics: { limit: 'cpu', signal: 'SIGKILL' },
    });
  });

  it('is refused by the name of the field where a limit cannot be', async () => {
    const start = (limits: object) =>
      agent.call('POST', '/executions', {
        executionId: `ex${'0'.repeat(20)}`,
        code: '',
        language: 'python',
        timeoutMs: 1_000,
        limits,
      });
    expect((await start({ cpuMs: 1 })).body).toMatchObject({ details: { field: 'limits.cpuMs' } });
    expect((await start({ memoryMb: 0.5 })).status).toBe(400);
    expect((await start({ threads: 1 })).body).toMatchObject({ code: 'VALIDATION_ERROR' });
  });
});

describe('what an execution used', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'plain' });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it.each([
    ['python', 'open("a", "wb").write(b"x" * 1_000_000); _ = open("a", "rb").read()'],
    [
      'javascript',
      'fs = require("fs"); fs.writeFileSync("a", "x".repeat(1e6)); fs.readFileSync("a"); 0',
    ],
    ['bash', 'head -c 1000000 /dev/zero > a; cat a > b'],
  ])('is told in %s: what it read and wrote', async (language, code) => {
    const { metrics } = (await agent.run(code, { language })).finished;
    for (const bytes of [metrics.readBytes, metrics.writtenBytes]) {
      expect(bytes).toBeGreaterThanOrEqual(1_000_000);
      expect(bytes).toBeLessThan(3_000_000);
    }
    const { metrics: next } = (await agent.run('', { language })).finished;
    expect(next.writtenBytes).toBeLessThan(100_000);
  });

  it('holds the CPU time and the memory of the commands of a shell', async () => {
    const code = 'python3 -c "x = b\'x\' * 150_000_000; [i for i in range(10**7)]"';
    const { metrics } = (await agent.run(code, { language: 'bash' })).finished;
    expect(metrics.cpuUserMs).toBeGreaterThan(100);
    expect(metrics.memoryPeakBytes).toBeGreaterThan(100 * MIB);
    expect(metrics.limit).toBeUndefined();
  });
});
