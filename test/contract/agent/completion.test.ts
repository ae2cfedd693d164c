/** What could stand at a place in code, by the live state of a context, without running any of it. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Completion } from '../../../contract/agent/completion.ts';
import type { AgentContext } from '../../../contract/agent/contexts.ts';
import { newId, startAgent, type TestAgent } from '../../helpers/agent.ts';
import { hasModules } from '../../helpers/python-modules.ts';

let agent: TestAgent;
let plain: TestAgent;
const contexts = new Map<string, string>();
beforeAll(async () => {
  // What is interrupted keeps its state, however busy this machine is.
  const env = { AGENT_INTERRUPT_GRACE_MS: '30000' };
  [agent, plain] = await Promise.all([startAgent({ env }), startAgent({ driver: 'plain' })]);
  for (const language of ['python', 'javascript', 'typescript', 'bash']) {
    const contextId = newId('cx');
    const { status } = await agent.call('POST', '/contexts', { contextId, language });
    expect(status).toBe(201);
    contexts.set(language, contextId);
  }
});
afterAll(() => Promise.all([agent[Symbol.asyncDispose](), plain[Symbol.asyncDispose]()]));

const idOf = (language: string) => contexts.get(language) ?? '';
const ask = (language: string, code: string, cursor?: number) =>
  agent.call('POST', `/contexts/${idOf(language)}/complete`, { code, cursor });
async function complete(language: string, code: string, cursor?: number): Promise<Completion> {
  const { status, body } = await ask(language, code, cursor);
  expect([status, body]).toEqual([200, expect.anything()]);
  return Completion.parse(body);
}
const textsOf = ({ matches }: Completion) => matches.map(({ text }) => text);
const run = (language: string, code: string) =>
  agent.run(code, { language, contextId: idOf(language) });

describe('in Python', () => {
  it('knows names, modules and what they hold, by kind, with the private last', async () => {
    await run(
      'python',
      'import math\nclass Thing:\n  colour = 1\n  def paint(self): pass\nthing_one = Thing()',
    );
    expect(await complete('python', 'a = math.sq')).toEqual({
      start: 9,
      end: 11,
      matches: [{ text: 'sqrt', kind: 'function' }],
      truncated: false,
    });
    expect(await complete('python', 'thing_one.')).toMatchObject({
      matches: [
        { text: 'colour', kind: 'property' },
        { text: 'paint', kind: 'function' },
      ],
    });
    expect(textsOf(await complete('python', 'thing_o'))).toEqual(['thing_one']);
    expect(textsOf(await complete('python', 'Thing.__mo'))).toEqual(['__module__']);
    expect(textsOf(await complete('python', 'whi'))).toEqual(['while']);
    expect(textsOf(await complete('python', 'thing_one.paint().'))).toEqual([]);
  });

  it('counts in UTF-16 code units, and looks only at what stands before the cursor', async () => {
    const code = 's = "🙂é"; math.cei + 1';
    const cursor = code.indexOf(' + 1');
    const { start, end, matches } = await complete('python', code, cursor);
    expect([code.slice(start, end), matches[0]?.text]).toEqual(['cei', 'ceil']);
  });

  it('computes nothing: no property, no __getattr__, no __dir__ of the code', async () => {
    await run(
      'python',
      `class Trap:
  @property
  def sprung(self): open("sprung", "w"); return "x"
  def __getattr__(self, name): open("sprung", "w"); raise AttributeError
  def __dir__(self): open("sprung", "w"); return []
trap = Trap()`,
    );
    expect(textsOf(await complete('python', 'trap.sp'))).toEqual(['sprung']);
    for (const code of ['trap.sprung.', 'trap.nothing.', 'trap.sprung.uppe'])
      await complete('python', code);
    expect(await readdir(agent.workspace)).not.toContain('sprung');
  });

  it('asks no value for its class, which a stand-in computes', async () => {
    await run(
      'python',
      `class Stand:
  colour = 1
  @property
  def __class__(self): open("asked", "w"); return int
stand = Stand(); stand.inner = Stand()`,
    );
    expect(textsOf(await complete('python', 'stand.inner.col'))).toEqual(['colour']);
    await complete('python', 'import textwrap as tw\ntw.ded');
    for (const code of ['sta', 'stand.', 'stand.inner.colour.re']) await complete('python', code);
    expect(await readdir(agent.workspace)).not.toContain('asked');
  });

  it.skipIf(!hasModules('jedi'))('knows what the code imports and has not run', async () => {
    expect(textsOf(await complete('python', 'import textwrap as tw\ntw.ded'))).toEqual(['dedent']);
    expect(textsOf(await complete('python', 'from textwr'))).toEqual(['textwrap']);
    expect((await run('python', '"tw" in globals()')).results[0]?.data?.['text/plain']).toBe(
      'False',
    );
  });

  it.skipIf(!hasModules('IPython'))('knows magics', async () => {
    expect(textsOf(await complete('python', 'x = 1\n%timei'))).toEqual(['%timeit']);
  });

  it.skipIf(!hasModules('pandas'))('knows the columns of a table', async () => {
    await run('python', 'import pandas as pd\ntable = pd.DataFrame({"revenue": [1]})');
    expect(textsOf(await complete('python', 'table.reve'))).toEqual(['revenue']);
  });

  it('works on the standard library alone', async () => {
    await plain.run('import os');
    const [context] = ((await plain.call('GET', '/contexts')).body as { items: AgentContext[] })
      .items;
    const { body } = await plain.call('POST', `/contexts/${context?.id}/complete`, {
      code: 'os.getcw',
    });
    expect(textsOf(Completion.parse(body))).toEqual(['getcwd', 'getcwdb']);
  });

  it('answers late where a library’s own list takes for ever, and the state is kept', async () => {
    await run(
      'python',
      'import types, time\nmodule = types.ModuleType("slow")\nexec("class Slow:\\n  def __dir__(self):\\n    import time; time.sleep(60)", module.__dict__)\nmodule.Slow.__module__ = "slow"\nmodule.Slow.__dir__.__module__ = "slow"\nslow = module.Slow()',
    );
    expect((await complete('python', 'slow.x')).matches).toEqual([]);
    expect((await run('python', 'thing_one.colour')).results[0]?.data?.['text/plain']).toBe('1');
  });
});

describe('in JavaScript and TypeScript', () => {
  it('knows the methods of arrays and texts', async () => {
    await run('javascript', 'const row = [1]; const text = "a"');
    expect(textsOf(await complete('javascript', 'row.ma'))).toEqual(['map']);
    expect(textsOf(await complete('javascript', 'text.toUp'))).toEqual(['toUpperCase']);
  });

  it('says that it does not tell what a very large object holds', async () => {
    await run(
      'javascript',
      'const huge = {}; for (let n = 0; n < 2e5; n += 1) huge["k" + n] = n; "held"',
    );
    const { matches, truncated } = await complete('javascript', 'huge.');
    expect([matches.some(({ text }) => text.startsWith('k')), truncated]).toEqual([false, true]);
    expect(matches.map(({ text }) => text)).toContain('hasOwnProperty');
    expect((await run('javascript', 'huge.k7')).results[0]?.data?.['text/plain']).toBe('7');
  });

  it('knows names and properties, by kind', async () => {
    await run('javascript', 'const box = { width: 1, grow() {} }; class Crate {}');
    expect((await complete('javascript', 'box?.')).matches.slice(0, 3)).toMatchObject([
      { text: 'constructor' },
      { text: 'grow', kind: 'function' },
      { text: 'hasOwnProperty', kind: 'function' },
    ]);
    expect(await complete('javascript', 'new Cra')).toMatchObject({
      start: 4,
      matches: [{ text: 'Crate', kind: 'class' }],
    });
    expect(textsOf(await complete('javascript', '"🙂"; Math.sqr', 14))).toEqual(['sqrt']);
    expect(textsOf(await complete('javascript', 'crypto.randomU'))).toEqual(['randomUUID']);
    await run('typescript', 'const typed: { deep: { er: number } } = { deep: { er: 1 } }');
    expect(textsOf(await complete('typescript', 'typed.deep.e'))).toEqual(['er']);
  });

  it('calls no getter and asks no proxy', async () => {
    await run(
      'javascript',
      `const sprung = () => { require('fs').writeFileSync('sprung-js', ''); return {}; };
      const trap = { get it() { return sprung(); } };
      const proxy = new Proxy({}, { get: sprung, ownKeys: sprung, getPrototypeOf: sprung, getOwnPropertyDescriptor: sprung });`,
    );
    expect(textsOf(await complete('javascript', 'trap.i'))).toContain('it');
    for (const code of ['trap.it.', 'proxy.', 'proxy.a.b', 'pro'])
      await complete('javascript', code);
    expect(await readdir(agent.workspace)).not.toContain('sprung-js');
  });

  it('says that there are more than it tells, and nothing of a list’s places', async () => {
    await run(
      'javascript',
      'const many = Object.fromEntries(Array.from({length: 500}, (_, n) => ["k" + n, n])); const list = Array(1e6).fill(0)',
    );
    const { matches, truncated } = await complete('javascript', 'many.k');
    expect([matches.length, truncated]).toEqual([200, true]);
    expect(textsOf(await complete('javascript', 'list.len'))).toEqual(['length']);
  });
});

describe('in Bash', () => {
  it('knows commands, functions, variables and files', async () => {
    await mkdir(join(agent.workspace, 'my folder'));
    await writeFile(join(agent.workspace, 'my file'), '');
    await run('bash', 'greet_all() { :; }; my_value=1');
    expect(textsOf(await complete('bash', 'x=1; greet_a'))).toEqual(['greet_all']);
    expect(textsOf(await complete('bash', 'echo ${my_va'))).toEqual(['my_value']);
    expect(await complete('bash', 'cat é my\\ f')).toEqual({
      start: 6,
      end: 11,
      matches: [
        { text: 'my\\ file', kind: 'file' },
        { text: 'my\\ folder/', kind: 'file' },
      ],
      truncated: false,
    });
    expect((await run('bash', 'echo $my_value')).stdout).toBe('1\n');
  });
});

describe('whatever is asked', () => {
  it.each([
    ['python', 'stay_1 = 1', 'stay_1', 'stay_'],
    ['javascript', 'var stay_1 = 1', 'stay_1', 'stay_'],
    ['bash', 'stay_1=1', 'echo $stay_1', 'echo $stay_'],
  ])(
    'answers behind a long text in %s, and the state is kept',
    async (language, set, get, code) => {
      await run(language, set);
      for (const text of [
        `${'x'.repeat(50_000)} `,
        '\n'.repeat(50_000),
        `${'\\a'.repeat(25_000)}$`,
      ]) {
        const started = performance.now();
        await complete(language, text);
        expect(performance.now() - started).toBeLessThan(2_500);
      }
      const before = `# ${'é'.repeat(50_000)}\n`;
      const { start, matches } = await complete(language, before + code);
      expect([start, matches[0]?.text]).toEqual([
        before.length + code.length - 'stay_'.length,
        'stay_1',
      ]);
      const { stdout, results } = await run(language, get);
      expect(stdout.trim() || results[0]?.data?.['text/plain']).toBe('1');
    },
  );

  it('is given up in Bash while the shell does not answer, and the state is kept', async () => {
    const shell = Number((await run('bash', 'patient=1; echo $$')).stdout);
    // From inside: in a container its number is another outside.
    const tell = (signal: string) =>
      run('python', `import os, signal; os.kill(${shell}, signal.${signal})`);
    await tell('SIGSTOP');
    try {
      expect(await complete('bash', 'echo $pat')).toMatchObject({ matches: [], truncated: true });
    } finally {
      await tell('SIGCONT');
    }
    expect((await run('bash', 'echo $patient')).stdout).toBe('1\n');
    expect(textsOf(await complete('bash', 'echo $pati'))).toEqual(['patient']);
  });

  it('is given up in JavaScript where it takes too long, and the state is kept', async () => {
    await run(
      'javascript',
      'const { trimEnd } = String.prototype; String.prototype.trimEnd = () => { for (;;); }',
    );
    expect(await complete('javascript', 'Mat')).toMatchObject({ matches: [], truncated: true });
    const { results } = await run('javascript', 'String.prototype.trimEnd = trimEnd; 1');
    expect(results[0]?.data?.['text/plain']).toBe('1');
  });

  it('interrupts nothing that the code has started', async () => {
    await run(
      'python',
      'import subprocess\nbehind = subprocess.Popen(["sleep", "60"])\nimport types\nslow_module = types.ModuleType("slower")\nexec("class Slow:\\n  def __dir__(self):\\n    import time; time.sleep(60)", slow_module.__dict__)\nslow_module.Slow.__module__ = "slower"\nslow_module.Slow.__dir__.__module__ = "slower"\nslower = slow_module.Slow()',
    );
    expect((await complete('python', 'slower.x')).matches).toEqual([]);
    const { results } = await run('python', 'print(behind.poll()); behind.kill(); behind.wait()');
    expect(results[0]?.data?.['text/plain']).toBe('-9');
  });
});

describe('of a context', () => {
  it('is refused while it runs something, and comes again after that', async () => {
    const id = await agent.start('import time\ntime.sleep(20)', { contextId: idOf('python') });
    expect(await ask('python', 'math.')).toMatchObject({
      status: 409,
      body: { code: 'INVALID_SANDBOX_STATE' },
    });
    await agent.call('POST', `/executions/${id}/interrupt`);
    expect((await agent.result(id)).finished.outcome).toBe('interrupted');
    expect(textsOf(await complete('python', 'math.sq'))).toEqual(['sqrt']);
  });

  it('waits for no run, and no run is lost to it', async () => {
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => ask('python', 'math.sq')),
      run('python', 'math.sqrt(4)'),
    ]);
    expect(answers.at(-1)).toMatchObject({ results: [{ data: { 'text/plain': '2.0' } }] });
    for (const answer of answers.slice(0, 5))
      expect([200, 409]).toContain((answer as { status: number }).status);
  });

  it('is refused where there is none, and where the code is too large', async () => {
    const none = await agent.call('POST', `/contexts/${newId('cx')}/complete`, { code: '' });
    expect(none.body).toMatchObject({ code: 'CONTEXT_NOT_FOUND' });
    expect(await ask('python', 'x'.repeat(1024 ** 2 + 1))).toMatchObject({ status: 413 });
    expect(await ask('python', 'x', -1)).toMatchObject({ status: 400 });
  });

  it.each(['python', 'javascript', 'bash'])(
    'ends in an answer in %s, whatever the code is',
    async (language) => {
      for (const code of ['', '.', '\0', '\ud800.', 'a.'.repeat(100_000), '('.repeat(100_000), '"'])
        expect(await ask(language, code)).toMatchObject({ status: 200 });
    },
  );
});
