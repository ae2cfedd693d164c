import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  formOf,
  newId,
  type RunOptions,
  type RunResult,
  startAgent,
  type TestAgent,
} from '../../helpers/agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent({
    driver: 'plain',
    env: { AGENT_TIMEOUT_GRACE_MS: '500' },
    init: { env: { FROM_INIT: 'i' } },
  });
});
afterAll(() => agent[Symbol.asyncDispose]());

const run = (code: string, options: RunOptions = {}): Promise<RunResult> =>
  agent.run(code, { language: 'javascript', ...options });
const value = async (code: string, options: RunOptions = {}) => {
  const { error, results } = await run(code, options);
  return error ? `${error.name}: ${error.value}` : formOf(results.at(-1));
};
/** The next run works, in an interpreter that knows nothing of the one before. */
const expectFresh = async () => expect(await value('typeof state')).toBe("'undefined'");

describe('JavaScript', () => {
  it('answers the value of the last expression, and none for a statement or undefined', async () => {
    expect(await value('1 + 1')).toBe('2');
    expect(await value('"a"; // and a comment')).toBe("'a'");
    expect(await value('(await 1, {a: await 2})')).toBe('{ a: 2 }');
    for (const none of ['', '// nothing', 'const a = 5', 'class A {}', 'undefined', 'if (1) 5'])
      expect((await run(none)).results).toEqual([]);
    expect(await value('_')).toBe('{ a: 2 }');
  });

  it('shows plain data as JSON too, and nothing else', async () => {
    const data = async (code: string) => (await run(code)).results[0]?.data;
    expect(await data('({a: [1, "x", null]})')).toMatchObject({
      'application/json': { a: [1, 'x', null] },
    });
    for (const other of ['1', '[undefined]', '[1n]', 'new Map()', '({f() {}})', '[new Date(0)]'])
      expect(Object.keys((await data(other)) ?? {})).toEqual(['text/plain']);
    expect(await data('const loop = []; loop.push(loop); loop')).toEqual({
      'text/plain': '<ref *1> [ [Circular *1] ]',
    });
  });

  it('lets every declaration be seen by the next cell, and be made again', async () => {
    await run(
      'const a = 1, [b, {c = 3}] = [2, {}]; let d; var e = 5; class F {}; function g() { return a }',
    );
    expect(await value('[a, b, c, d, e, F.name, g()]')).toBe("[ 1, 2, 3, undefined, 5, 'F', 1 ]");
    await run('let a = 10; const e = 50; var b = 20; class g {}; const F = 0');
    expect(await value('[a, b, e, F, typeof g]')).toBe("[ 10, 20, 50, 0, 'function' ]");
    await run(
      'await 1; const a = 100; var e = 500; for (var i = 0; i < 3; i += 1); if (a) { var j = i } function h() { return a + e }',
    );
    expect(await value('[a, e, i, j, h()]')).toBe('[ 100, 500, 3, 3, 600 ]');
    expect(await value('const crypto = require("node:crypto"); typeof crypto.createHash')).toBe(
      "'function'",
    );
  });

  it('awaits at its top, and imports what node has and what lies in the workspace', async () => {
    await writeFile(join(agent.workspace, 'own.mjs'), 'export const own = 1; export default 2');
    const code = `import two, { own } from './own.mjs'
import * as path from 'node:path'
import { readFileSync as read } from "fs"; import 'node:os';
const later = await Promise.resolve(3);
[two, own, later, path.join('a', 'b'), typeof read, (await import('./own.mjs')).own]`;
    expect(await value(code)).toBe("[ 2, 1, 3, 'a/b', 'function', 1 ]");
    expect(await value('own + two')).toBe('3');
    expect(await value('import "no-such-package"')).toMatch(/^Error: Cannot find package/);
    expect(await value('export const exported = 7; export default exported + 1')).toBe('8');
    expect(await value('for await (const x of [1, 2]) late = x; late')).toBe('2');
  });

  it('tells an error by name, value and traceback, of the code alone', async () => {
    const { error, finished } = await run('function f() {\n  return null.x\n}\nawait 1\nf()');
    expect(error).toMatchObject({
      name: 'TypeError',
      value: "Cannot read properties of null (reading 'x')",
    });
    expect(error?.traceback).toMatch(/at f \(cell \d+:2:15\)\n +at cell \d+:5:/);
    expect(error?.traceback).not.toMatch(/node:|\.mjs/);
    expect(finished).toMatchObject({ outcome: 'error', exitCode: 1 });
    for (const code of ['let z = ;', 'await 1; let z = ;', 'import {'])
      expect((await run(code)).error).toMatchObject({
        name: 'SyntaxError',
        traceback: expect.stringMatching(/^cell \d+:1\n.*\n *\^/),
      });
    expect(await value('throw 5')).toBe('Uncaught: 5');
    expect(await value('throw {get stack() { throw 1 }, [Symbol.toPrimitive]: 0}')).toMatch(
      /^Uncaught/,
    );
    expect(await value('const e = new Error(); e.message = {}; throw e')).toMatch(/^Error/);
  });

  it('prints to both outputs at once and in order with what it displays', async () => {
    const { events } = await run(
      'console.log("a", {b: 1}); display.html("<b>"); process.stdout.write("c\\n"); display({d: 1}, {id: "x"}); console.error("e"); 1',
    );
    expect(events.slice(1, -1)).toMatchObject([
      { type: 'stdout', text: 'a { b: 1 }\n' },
      { type: 'result', main: false, data: { 'text/html': '<b>' } },
      { type: 'stdout', text: 'c\n' },
      { type: 'result', main: false, displayId: 'x', data: { 'application/json': { d: 1 } } },
      { type: 'stderr', text: 'e\n' },
      { type: 'result', main: true },
    ]);
    const png = await run('display.png(Buffer.from("png")); display.json([1])');
    expect(png.results).toMatchObject([
      { data: { 'image/png': Buffer.from('png').toString('base64') } },
      { data: { 'application/json': [1] } },
    ]);
    expect(
      (await run('({[Symbol.for("Jupyter.display")]: () => ({"text/markdown": "*x*"})})')).results,
    ).toMatchObject([{ main: true, data: { 'text/markdown': '*x*' } }]);
  });

  it('tells what nobody caught, and lives on', async () => {
    const { finished, stderr } = await run(
      'Promise.reject(new Error("lost")); setTimeout(() => { throw new Error("late") }, 1); await new Promise((r) => setTimeout(r, 20))',
    );
    expect(stderr).toMatch(/^Uncaught \(in promise\) Error: lost\n.*\nUncaught Error: late\n/);
    expect(stderr).not.toMatch(/node:|\.mjs/);
    expect(finished.outcome).toBe('ok');
  });

  it('lets timers run on behind their cell', async () => {
    await run('let ticks = 0; const timer = setInterval(() => { ticks += 1 }, 1)');
    expect(
      await value(
        'while (ticks < 5) await new Promise((r) => setTimeout(r, 1)); clearInterval(timer); ticks >= 5',
      ),
    ).toBe('true');
    expect(await value('await require("util").promisify(setTimeout)(1, "promised")')).toBe(
      "'promised'",
    );
  });

  it.each([
    ['computes', 'while (true) {}'],
    ['waits', 'await new Promise(() => {})'],
    ['waits again and again', 'while (true) await new Promise((r) => setTimeout(r, 1))'],
    ['waits for a child', 'require("child_process").execSync("sleep 60")'],
  ])('is interrupted while it %s, and keeps its state', async (_, code) => {
    await run('kept = 1');
    const { error, limits, finished } = await run(code, { timeoutMs: 150 });
    expect(limits).toMatchObject([{ limit: 'timeout' }]);
    expect([error?.name, finished.outcome, finished.exitCode]).toEqual([
      'Interrupted',
      'timeout',
      1,
    ]);
    expect(await value('kept')).toBe('1');
  });

  it('clears the timers of a cell that was interrupted', async () => {
    await run('let beats = 0; setInterval(() => { beats += 1 }, 1); await new Promise(() => {})', {
      timeoutMs: 100,
    });
    const beats = await value('beats');
    expect(await value('await new Promise((r) => setTimeout(r, 20)); beats')).toBe(beats);
  });

  it('is heard after an interrupt that came in the middle of a print', async () => {
    const prints = "for (;;) console.log('x')";
    for (let times = 0; times < 10; times += 1) {
      const id = await agent.start(prints, { language: 'javascript' });
      for await (const { type } of agent.events(id)) {
        if (type !== 'stdout') continue;
        await agent.call('POST', `/executions/${id}/interrupt`);
        break;
      }
      expect((await agent.result(id)).finished.outcome).toBe('interrupted');
      expect((await run("console.log('up')")).stdout).toBe('up\n');
    }
  });

  it('has the environment, directory and stdin of a run for that run only', async () => {
    const show =
      '[process.env.FROM_INIT, process.env.OWN, process.cwd(), fs.readFileSync(0, "utf8")]';
    await run('import fs from "node:fs"');
    expect(await value(show, { env: { OWN: 'o' }, cwd: '/usr', stdin: 'é\n' })).toBe(
      "[ 'i', 'o', '/usr', 'é\\n' ]",
    );
    expect(await value(show)).toBe(`[ 'i', undefined, '${agent.workspace}', '' ]`);
    await run('process.env.OWN = "mine"', { env: { OWN: 'given' } });
    expect(await value('process.env.OWN')).toBe("'mine'");
    const lines =
      'for await (const line of require("readline").createInterface(process.stdin)) console.log(line)';
    for (const stdin of ['one\ntwo\n', 'three\n'])
      expect((await run(lines, { stdin })).stdout).toBe(stdin);
    const child = 'require("child_process").execSync("cat; echo err >&2", {stdio: "inherit"})';
    expect(await run(child, { stdin: 'to a child' })).toMatchObject({
      stdout: 'to a child',
      stderr: 'err\n',
    });
    expect((await run('1', { cwd: '/no/such/folder' })).error?.value).toContain('ENOENT');
  });

  it.each([
    ['process.exit(3)', 'error', 3],
    ['process.exit()', 'ok', 0],
    ['setTimeout(() => process.exit(4)); await new Promise(() => {})', 'error', 4],
  ])(
    'that runs `%s` ends with it, says that its state is lost, and is replaced',
    async (code, outcome, exitCode) => {
      await run('state = 1');
      const { stderr, finished } = await run(code);
      expect(finished).toMatchObject({ outcome, exitCode });
      expect(stderr).toContain('the interpreter has exited; its variables are gone');
      await expectFresh();
    },
  );

  it.each([
    ['process.kill(process.pid, 9)', 'killed', 137],
    ['process.abort()', 'error', 134],
    [
      'process.reallyExit = process.constructor; process.kill(process.pid, 15); while (true) {}',
      'killed',
      143,
    ],
    ['for (let fd = 3; fd < 64; fd += 1) try { fs.closeSync(fd) } catch {}', 'error', null],
  ])('that ends its interpreter by `%s` is told, and replaced', async (code, outcome, exitCode) => {
    await run('state = 1; fs = require("fs")');
    const { error, finished } = await run(code, { timeoutMs: 3_000 });
    expect(error?.name).toBe('KernelLost');
    if (exitCode !== null) expect(finished).toMatchObject({ outcome, exitCode });
    await expectFresh();
  });

  it('may close, replace or break what it prints to, for one run', async () => {
    for (const code of [
      'require("fs").closeSync(1); console.log("x")',
      'process.stdout.destroy(); console.log("x")',
      'process.stdout = 5',
      'Object.defineProperty(process, "stdout", {get() { throw 1 }, configurable: true})',
    ])
      await run(code);
    expect((await run('console.log("back")')).stdout).toBe('back\n');
  });

  it('may break what its interpreter needs, and is cured by a restart', async () => {
    const contextId = newId('cx');
    await agent.call('POST', '/contexts', { contextId, language: 'javascript' });
    await run('JSON.stringify = () => "{}"; require("fs").writeSync = () => 0; state = 1', {
      contextId,
    });
    expect(await value('state', { contextId })).toBe('1');
    await run('Array.prototype.map = null', { contextId });
    expect((await run('1', { contextId })).finished.outcome).toBe('error');
    await agent.call('POST', `/contexts/${contextId}/restart`);
    expect(await value('[1].map((n) => n + 1)', { contextId })).toBe('[ 2 ]');
    await agent.call('DELETE', `/contexts/${contextId}`);
  });

  it('may speak as its driver does, and harms only its own run', async () => {
    const forge = (frame: object) =>
      `require("fs").writeSync(3, JSON.stringify(${JSON.stringify(frame)}) + "\\n"); console.log('{"type":"done","ok":true}')`;
    for (const frame of [
      { type: 'done', k: 1, ok: true, exitCode: 0, barrier: '0'.repeat(32) },
      { type: 'ready', driver: 'x', version: '1' },
    ]) {
      const { stdout, finished } = await run(forge(frame));
      expect([stdout, finished.outcome]).toEqual(['{"type":"done","ok":true}\n', 'ok']);
    }
    expect(await value('1 + 1')).toBe('2');
  });

  it('reduces a result over 16 MiB to its text, with a mark', async () => {
    const { results } = await run('"x".repeat(17_000_000)');
    expect(/characters cut[^]*only its text form is kept\]$/.test(formOf(results[0]))).toBe(true);
  });
});

describe('TypeScript', () => {
  const typed = (code: string) => value(code, { language: 'typescript' });

  it('keeps its state, apart from JavaScript', async () => {
    expect(await typed('interface P { a: number }\nconst p: P = { a: 1 };\np.a as number')).toBe(
      '1',
    );
    expect(await typed('p satisfies P')).toBe('{ a: 1 }');
    expect(await value('typeof p')).toBe("'undefined'");
  });

  it('takes what has no form without types, and tells what is wrong where it is', async () => {
    expect(await typed('enum E { A = 5 }; namespace N { export const x = E.A }; N.x')).toBe('5');
    expect(
      await typed(
        'import type { Stats } from "node:fs"; import { join } from "node:path"; join("a", "b")',
      ),
    ).toBe("'a/b'");
    expect(await typed('const p: = 1')).toMatch(/^SyntaxError: Unexpected token `=`/);
    const { error } = await agent.run('type T = {\n  a: number\n}\nnull!.x', {
      language: 'typescript',
    });
    expect(error?.traceback).toMatch(/cell \d+:4:/);
  });

  it('goes on after code that is more than its parser can hold', async () => {
    const deep = `${'('.repeat(100_000)}1${')'.repeat(100_000)}`;
    expect(await typed(deep)).toMatch(/^RangeError: .*nested too deeply/);
    expect(await typed('const after: number = 1; after')).toBe('1');
  });
});
