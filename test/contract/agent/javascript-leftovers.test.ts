/** What a cell of JavaScript leaves behind is the next cell's, and never its interpreter's undoing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formOf, newId, type RunOptions, startAgent, type TestAgent } from '../../helpers/agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent();
});
afterAll(() => agent[Symbol.asyncDispose]());

/** Runs each in turn, in a context of their own; answers the last. */
async function inTurn(...cells: [code: string, options?: RunOptions][]) {
  const contextId = newId('cx');
  await agent.call('POST', '/contexts', { contextId, language: 'javascript' });
  let ran: Awaited<ReturnType<TestAgent['run']>> | undefined;
  for (const [code, options] of cells)
    ran = await agent.run(code, { ...options, language: 'javascript', contextId });
  await agent.call('DELETE', `/contexts/${contextId}`);
  if (!ran) throw new Error('nothing was run');
  return ran;
}

it.each([
  'function process(x) { return x }',
  'const Map = 5',
  'const Buffer = 5; const performance = 0.9',
  'class Error {}; const Object = null, String = 1, Promise = 2',
  'const globalThis = 5',
  'gone = fs.mkdtempSync("/tmp/gone-"); process.chdir(gone); fs.rmdirSync(gone)',
  'fs.closeSync(0); fs.closeSync(1)',
  'fs.closeSync(2); fs.closeSync(0)',
])('after `%s` the state is kept, and the next cells run', async (code) => {
  const { stdout, error } = await inTurn(
    ['kept = 7; fs = require("node:fs")'],
    [code],
    ['kept += 1', { stdin: 'x' }],
    ['kept', { cwd: '/tmp', env: { A: 'b' } }],
    ['console.log(kept)'],
  );
  expect([stdout, error]).toEqual(['8\n', undefined]);
});

it('a limit of the size of files is taken back once there is room for it', async () => {
  const open = `held = []; var fs = require('fs');
    try { for (;;) held.push(fs.openSync('/dev/null')) } catch {}`;
  const { stdout } = await inTurn(
    [open, { limits: { fileBytes: 1000 } }],
    ['for (const fd of held) fs.closeSync(fd)'],
    [`fs.writeFileSync('large', Buffer.alloc(2000)); console.log(fs.statSync('large').size)`],
  );
  expect(stdout).toBe('2000\n');
});

it('`_` is the last value that was shown, or what the code has made of it', async () => {
  const last = async (...cells: string[]) =>
    formOf((await inTurn(...cells.map((code): [string] => [code]), ['_'])).results[0]);
  expect(await last('1 + 1', '2 + 2')).toBe('4');
  expect(await last('const _ = { chunk: 5 }', '1 + 1')).toBe('{ chunk: 5 }');
});

it('a listener to stdin hears nothing of the next run’s', async () => {
  const listens = `got = ''; process.stdin.on('data', (data) => {
      got += data;
      const end = Date.now() + 3; while (Date.now() < end);
    }); await new Promise((resolve) => setTimeout(resolve, 5))`;
  const reads = `await new Promise((resolve) => setTimeout(resolve, 100));
    mine = ''; for await (const data of process.stdin) mine += data;
    [mine, got.replaceAll('a', '')]`;
  const { results } = await inTurn(
    [listens, { stdin: 'a'.repeat(1_000_000) }],
    [reads, { stdin: 'secret' }],
  );
  expect(formOf(results[0])).toBe("[ 'secret', '' ]");
});

describe('an error of an unusual form is told, and the state is kept', () => {
  it.each([
    ['Object.assign(new Error(), { message: ["a is required"] })', "[ 'a is required' ]"],
    ['Object.assign(new Error("text"), { name: ["E"] })', 'text'],
    ['Object.assign(new Error("text"), { name: undefined })', 'text'],
    ['Object.assign(new Error(), { message: 5n })', '5n'],
  ])('%s', async (thrown, value) => {
    const contextId = newId('cx');
    await agent.call('POST', '/contexts', { contextId, language: 'javascript' });
    const inIt = { language: 'javascript', contextId, timeoutMs: 3000 };
    const { error, finished } = await agent.run(`kept = 7; throw ${thrown}`, inIt);
    expect([error?.value, finished.outcome]).toEqual([value, 'error']);
    expect((await agent.run('console.log(kept)', inIt)).stdout).toBe('7\n');
    await agent.call('DELETE', `/contexts/${contextId}`);
  });
});

it('a form whose name is too long is left out, and the others stay', async () => {
  const shown = `({ [Symbol.for('Jupyter.display')]: () =>
    ({ ['x/' + 'y'.repeat(200)]: 'z', 'text/plain': 'kept' }) })`;
  const { results, finished } = await inTurn([shown, { timeoutMs: 3000 }]);
  expect([results[0]?.data, finished.outcome]).toEqual([{ 'text/plain': 'kept' }, 'ok']);
});
