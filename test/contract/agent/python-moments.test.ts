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
    ['begins', 'event == "c_return" and arg is signal.setitimer', 'pass'],
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
});
