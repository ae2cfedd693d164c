/** Moments at which code of the user meets the driver of Python: a signal, a thread or a task of an earlier run. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { AgentContext } from '../../../contract/agent/contexts.ts';
import { startAgent, type TestAgent } from '../../helpers/agent.ts';
import { hasModules } from '../../helpers/python-modules.ts';

const Contexts = z.object({ items: z.array(AgentContext) });
const hasIPython = hasModules('IPython');

/** Interrupts this process where the expression holds, of what Python calls next. */
const interruptWhere = (condition: string) => `import os, signal, sys
def heard(frame, event, arg):
    if ${condition}:
        sys.setprofile(None)
        os.kill(os.getpid(), signal.SIGINT)
`;

const show = async (agent: TestAgent) => (await agent.run('print(kept)')).stdout;

describe.each(['plain', 'ipython'] as const)('the %s driver of Python', (driver) => {
  const skipped = driver === 'ipython' && !hasIPython;
  let agent: TestAgent;
  beforeAll(async () => {
    if (skipped) return;
    agent = await startAgent({ driver });
    await agent.run('kept = 7');
  });
  afterAll(() => agent?.[Symbol.asyncDispose]());

  it.skipIf(skipped).each([
    [
      'begins',
      'event == "c_return" and arg is signal.setitimer and signal.getitimer(signal.ITIMER_REAL)[0]',
      'pass',
    ],
    [
      'ends',
      'event == "call" and frame.f_code.co_filename.endswith("kernel_bounds.py")',
      'sys.setprofile(heard)',
    ],
  ])(
    'leaves no alarm where an interrupt comes as the wait for a value %s',
    async (_, where, then) => {
      const code = `${interruptWhere(where)}
class Shown:
    def __repr__(self):
        ${then}
        return "shown"
${then === 'pass' ? 'sys.setprofile(heard)' : ''}
Shown()`;
      expect((await agent.run(code)).error?.name).toBe('KeyboardInterrupt');
      const { stdout } = await agent.run('print(signal.getitimer(signal.ITIMER_REAL))');
      expect(stdout).toBe('(0.0, 0.0)\n');
    },
  );

  it.skipIf(skipped)('lives on where an interrupt comes right after the code', async () => {
    const where = 'event == "call" and frame.f_back.f_code.co_name == "_run"';
    await agent.run(`${interruptWhere(where)}sys.setprofile(heard)`);
    expect(await show(agent)).toBe('7\n');
  });

  it.skipIf(skipped)('lives on where interrupts come as it completes', async () => {
    await agent.run(`import os, signal, sys
def heard(frame, event, _):
    if event == "call" and frame.f_back.f_code.co_name == "_complete":
        os.kill(os.getpid(), signal.SIGINT)
sys.setprofile(heard)`);
    const { items } = Contexts.parse((await agent.call('GET', '/contexts')).body);
    const body = { code: 'kep', cursor: 3 };
    expect((await agent.call('POST', `/contexts/${items[0]?.id}/complete`, body)).status).toBe(200);
    expect((await agent.run('sys.setprofile(None); print(kept)')).stdout).toBe('7\n');
  });

  it.skipIf(skipped).each(['sys.stdout.detach()', 'sys.stdout.buffer'])(
    'prints in the next run where code has wrapped %s',
    async (inner) => {
      const code = `import io, sys\nsys.stdout = io.TextIOWrapper(${inner}, encoding="utf-8")\nprint("own")`;
      expect((await agent.run(code)).stdout).toBe('own\n');
      expect([await show(agent), await show(agent)]).toEqual(['7\n', '7\n']);
    },
  );

  it.skipIf(skipped)('prints all to a pipe that a child has made non-blocking', async () => {
    const code = `import os, subprocess, sys
subprocess.run([sys.executable, "-c", "import os; os.set_blocking(1, False)"])
for _ in range(8): print("y" * 1_000_000)`;
    const { stdout, error } = await agent.run(code);
    expect([stdout.length, error]).toEqual([8_000_008, undefined]);
  });

  it.skipIf(skipped)('takes back what it has set for a run that cannot begin', async () => {
    const outside = 'import os; os.makedirs("inner", exist_ok=True); kept_folder = os.getcwd()';
    await agent.run(outside);
    const env = { FIRST: 'set', SECOND: '\ud800' };
    const failed = await agent.run('print(1)', { env, cwd: `${agent.workspace}/inner` });
    expect([failed.stdout, failed.error?.name]).toEqual(['', 'UnicodeEncodeError']);
    const left = 'print(os.environ.get("FIRST"), os.getcwd() == kept_folder)';
    expect((await agent.run(left)).stdout).toBe('None True\n');
  });

  describe.skipIf(skipped)('meets a signal that code handles', () => {
    const handler = (body: string) => `import os, signal
def handler(number, frame):
    ${body}
previous = signal.signal(signal.SIGALRM, handler)
`;

    it('as a run goes on, where its handler may raise', async () => {
      const code = `${handler('raise TimeoutError("late")')}
assert signal.getsignal(signal.SIGALRM) is handler
assert signal.signal(signal.SIGALRM, handler) is handler
signal.setitimer(signal.ITIMER_REAL, 0.05)
while True: pass`;
      const { error } = await agent.run(code);
      expect([error?.name, error?.value]).toEqual(['TimeoutError', 'late']);
      expect(error?.traceback).toContain('in handler');
      expect(error?.traceback).not.toMatch(/kernel_/);
    });

    it('between two runs, where what the handler raises ends nothing', async () => {
      const code = `${handler('heard.append(1); raise TimeoutError("late")')}heard = []
_ = signal.setitimer(signal.ITIMER_REAL, 0.05)`;
      await agent.run(code);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect((await agent.run('print(kept, heard)')).stdout).toBe('7 [1]\n');
    });
  });
});

describe.skipIf(!hasIPython)('a run of Python', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'ipython' });
    await agent.run('kept = 7');
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it('is not met by what a thread of an earlier run shows as it begins', async () => {
    await agent.run(`import threading, time
shows = True
def show():
    while shows:
        display({"text/plain": 'é"' * 150_000}, raw=True)
        time.sleep(0.02)
threading.Thread(target=show, daemon=True).start()`);
    for (let times = 0; times < 15; times += 1) {
      const { stdout, finished } = await agent.run('print(kept)', { timeoutMs: 3000 });
      expect([stdout, finished.outcome]).toEqual(['7\n', 'ok']);
    }
    await agent.run('shows = False');
  });

  it('that is interrupted as it awaits ends there, and does not go on in the next one', async () => {
    const { stdout, error } = await agent.run(`import asyncio, os, signal, threading
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    while True:
        print("tick")
        await asyncio.sleep(0.02)
finally:
    print("cleared up")`);
    expect(stdout).toMatch(/tick\ncleared up\n$/);
    expect(error?.name).toBe('KeyboardInterrupt');
    expect((await agent.run('await asyncio.sleep(0.1)\nprint(kept)')).stdout).toBe('7\n');
  });

  it('leaves out a form whose name is too long, and shows the others', async () => {
    const { results } = await agent.run('display({"a" * 129: "x", "text/plain": "y"}, raw=True)');
    expect(results).toMatchObject([{ data: { 'text/plain': 'y' } }]);
    expect(Object.keys(results[0]?.data ?? {})).toEqual(['text/plain']);
  });

  it('shows every value where signals come amid them, whose handler shows or raises', async () => {
    const { results, stdout, error } = await agent.run(
      `import signal
class Late(Exception): pass
def late(number, frame): raise Late
def show(number, frame):
    global heard
    heard += 1
    display("heard")
heard = 0
_ = signal.signal(signal.SIGALRM, show)
while heard < 20:
    _ = signal.setitimer(signal.ITIMER_REAL, 0.002)
    before = heard
    while heard == before: display("x" * 1000)
_ = signal.signal(signal.SIGALRM, late)
for _ in range(20):
    try:
        _ = signal.setitimer(signal.ITIMER_REAL, 0.002)
        while True: display("x" * 1000)
    except Late: heard += 1
print(heard)`,
      { timeoutMs: 5000 },
    );
    expect([stdout, error]).toEqual(['40\n', undefined]);
    expect(results.filter(({ data }) => data?.['text/plain'] === "'heard'")).toHaveLength(20);
  });

  it('ends where it is interrupted as it waits for what a command says', async () => {
    const { error } = await agent.run(`import os, signal, threading
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
said = !sleep 20`);
    expect(error?.name).toBe('KeyboardInterrupt');
    const code = 'what = "two"\nsaid = !echo one; echo {what} >&2; cat\nprint(said, said.n)';
    expect((await agent.run(code)).stdout).toBe("['one', 'two'] one\ntwo\n");
  });
});
