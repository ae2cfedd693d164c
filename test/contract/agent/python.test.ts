import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formOf, startAgent, type TestAgent } from '../../helpers/agent.ts';
import { hasModules } from '../../helpers/python-modules.ts';

const drivers = (['plain', 'ipython'] as const).filter(
  (name) => name === 'plain' || hasModules('IPython'),
);

describe.each(drivers)('Python by the %s driver', (driver) => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it('answers the value of the last expression, and none for a statement', async () => {
    const { results } = await agent.run('a = [1, 2]\na');
    expect(results).toMatchObject([{ main: true, data: { 'text/plain': '[1, 2]' } }]);
    expect((await agent.run('a = 3')).results).toEqual([]);
    expect((await agent.run('None')).results).toEqual([]);
  });

  it('answers every form that a value has', async () => {
    const { results } = await agent.run(
      'class Rich:\n  def __repr__(self): return "rich"\n  def _repr_html_(self): return "<b>"\n  def _repr_png_(self): return b"png"\n  def _repr_json_(self): return {"a": [1]}\nRich()',
    );
    expect(results[0]?.data).toMatchObject({
      'text/plain': 'rich',
      'text/html': '<b>',
      'image/png': Buffer.from('png').toString('base64'),
      'application/json': { a: [1] },
    });
  });

  it('tells an error by its name, value and traceback, of the user’s code alone', async () => {
    const { error, finished } = await agent.run('def f():\n  return 1 / 0\nf()');
    expect(error).toMatchObject({ name: 'ZeroDivisionError', value: 'division by zero' });
    expect(error?.traceback).toContain('return 1 / 0');
    expect(error?.traceback).not.toMatch(/driver_|kernel_io/);
    expect(finished).toMatchObject({ outcome: 'error', exitCode: 1 });
    const syntax = await agent.run('def f(:');
    expect(syntax.error?.name).toBe('SyntaxError');
    expect(syntax.error?.traceback).toContain('def f(:');
  });

  it('refuses source that no Python takes, without a word of its own files', async () => {
    for (const code of ['print(1)\0', '"\ud800"']) {
      const { error, stderr, finished } = await agent.run(code);
      expect(finished).toMatchObject({ outcome: 'error', exitCode: 1 });
      expect(`${stderr}${error?.traceback}`).not.toMatch(/driver_|kernel_io|never awaited/);
    }
  });

  it('goes on when a run has used up every descriptor', async () => {
    await using own = await startAgent({ driver });
    await own.run('import os\nwhile True: os.dup(0)');
    expect((await own.run('1 + 1')).results).toMatchObject([{ data: { 'text/plain': '2' } }]);
  });

  it('cuts a long error with a mark', async () => {
    const { error } = await agent.run('raise ValueError("v" * 100_000)');
    expect(Buffer.byteLength(error?.value ?? '')).toBeLessThanOrEqual(16 * 1024);
    expect(error?.value).toContain('cut');
  });

  it('keeps the order of print, result and error', async () => {
    const { events } = await agent.run('print("before")\nraise ValueError("x")');
    expect(events.map(({ type }) => type)).toEqual(['started', 'stdout', 'error', 'finished']);
  });

  it('takes the end that code asks for', async () => {
    const codeOf = async (code: string) => (await agent.run(`import sys\n${code}`)).finished;
    expect(await codeOf('sys.exit()')).toMatchObject({ outcome: 'ok', exitCode: 0 });
    expect(await codeOf('sys.exit(4)')).toMatchObject({ outcome: 'error', exitCode: 4 });
    const { error, finished } = await agent.run('import sys; sys.exit("why")');
    expect([error?.name, error?.value, finished.exitCode]).toEqual(['SystemExit', 'why', 1]);
  });

  it('reduces a result over 16 MiB to its text, with a mark', async () => {
    const { results } = await agent.run('"x" * 20_000_000');
    const text = formOf(results[0]);
    expect(text.length).toBeLessThan(300_000);
    expect(text).toContain('16777216 are allowed');
    const whole = await agent.run('"x" * 5_000_000');
    expect(formOf(whole.results[0])).toHaveLength(5_000_002);
  });

  it('finds modules in the workspace, and is not broken by their names', async () => {
    await writeFile(join(agent.workspace, 'helper.py'), 'value = 7');
    await writeFile(join(agent.workspace, 'json.py'), 'raise RuntimeError("shadowed")');
    await writeFile(join(agent.workspace, 'sitecustomize.py'), 'raise RuntimeError("shadowed")');
    expect((await agent.run('import helper; helper.value')).results[0]?.data?.['text/plain']).toBe(
      '7',
    );
    await agent.run('import os; os._exit(0)');
    expect((await agent.run('print("started")')).stdout).toBe('started\n');
  });

  it('lets code fork: children speak, and only the interpreter answers', async () => {
    const { stdout, results, finished } = await agent.run(
      'import os\npid = os.fork()\nprint("child" if pid == 0 else "parent" if os.waitpid(pid, 0) else "")\npid > 0',
    );
    expect(stdout).toBe('child\nparent\n');
    expect(results.map(({ data }) => data?.['text/plain'])).toEqual(['True']);
    expect(finished.outcome).toBe('ok');
    const pool = await agent.run(
      'from multiprocessing import get_context\ndef double(x): return 2 * x\nwith get_context("fork").Pool(2) as pool: print(pool.map(double, [1, 2]))',
    );
    expect(pool.stdout).toBe('[2, 4]\n');
  });

  it('can be told nothing by a value whose text fails', async () => {
    const { error, finished } = await agent.run(
      'class Bad(Exception):\n  def __str__(self): raise ValueError\nraise Bad()',
    );
    expect(error?.name).toBe('Bad');
    expect(finished.outcome).toBe('error');
    expect((await agent.run('1')).finished.outcome).toBe('ok');
  });
});

describe.skipIf(!hasModules('IPython'))('Python by IPython', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'ipython' });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it('shows what is displayed where it was displayed, and its updates', async () => {
    const { events } = await agent.run(
      'from IPython.display import display, HTML\nprint("a")\ndisplay(HTML("<i>"))\nprint("b")\nhandle = display(1, display_id=True)\nhandle.update(2)\nprint("c")\n3',
    );
    const short = events.map((event) => {
      if (event.type === 'stdout') return event.text;
      if (event.type !== 'result') return event.type;
      return `${event.main ? 'value' : event.update === true ? 'update' : 'display'} ${formOf(event, 'text/html') || formOf(event)}`;
    });
    expect(short).toEqual([
      'started',
      'a\n',
      'display <i>',
      'b\n',
      'display 1',
      'update 2',
      'c\n',
      'value 3',
      'finished',
    ]);
    const ids = events.flatMap((event) => ('displayId' in event ? [event.displayId] : []));
    expect(ids).toHaveLength(2);
    expect(ids[0]).toBe(ids[1]);
  });

  it('counts its executions', async () => {
    const counts = [await agent.run('1'), await agent.run('2')].map(({ events }) => events[0]);
    const [first, second] = counts.map((event) =>
      event?.type === 'started' ? event.executionCount : 0,
    );
    expect(second).toBe((first ?? 0) + 1);
  });

  it('knows magics, the shell and top-level await', async () => {
    expect((await agent.run('!echo out; echo err >&2; exit 3\nprint(_exit_code)')).stdout).toBe(
      'out\n3\n',
    );
    expect((await agent.run('%%bash\necho from bash')).stdout).toBe('from bash\n');
    const awaited = await agent.run('import asyncio\nawait asyncio.sleep(0)\n5');
    expect(awaited.results[0]?.data?.['text/plain']).toBe('5');
    expect((await agent.run('%nosuch')).error?.name).toBe('UsageError');
    expect((await agent.run('4;')).results).toEqual([]);
  });

  it('ends a shell command with its run', async () => {
    const { finished } = await agent.run('!sleep 60\nprint("never")', { timeoutMs: 200 });
    expect(finished.outcome).toBe('timeout');
  });

  it.skipIf(!hasModules('pandas'))('answers a table as HTML', async () => {
    const { results } = await agent.run('import pandas\npandas.DataFrame({"a": [1]})');
    expect(results[0]?.data?.['text/html']).toContain('<table');
  });

  it.skipIf(!hasModules('matplotlib'))('answers a plot as PNG, in its place', async () => {
    const { events } = await agent.run(
      'import matplotlib.pyplot as plt\nprint("a")\nplt.plot([1, 2])\nplt.show()\nprint("b")',
    );
    expect(events.map(({ type }) => type)).toEqual([
      'started',
      'stdout',
      'result',
      'stdout',
      'finished',
    ]);
    const plot = events[2];
    expect(Buffer.from(formOf(plot, 'image/png'), 'base64').subarray(1, 4).toString()).toBe('PNG');
  });
});
