/** Code through the published `@e2b/code-interpreter` package, unchanged, against a real agent. */
import { type Execution, Sandbox } from '@e2b/code-interpreter';
import { NotFoundError } from 'e2b';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type E2bAgent, startE2bAgent } from '../../helpers/e2b.ts';

let e2b: E2bAgent;
let sandbox: Sandbox;

beforeAll(async () => {
  e2b = await startE2bAgent({ init: { env: { FROM_INIT: 'yes' } } });
  sandbox = await Sandbox.create(e2b.settings);
});
afterAll(() => e2b?.[Symbol.asyncDispose]());

const stdoutOf = ({ logs }: Execution) => logs.stdout.join('');

describe('code of the published package', () => {
  it('answers its value, its output and its count, and keeps its state', async () => {
    const first = await sandbox.runCode(
      'import os\nx = 20\nprint("grüße 🎉", os.environ["FROM_INIT"])',
    );
    expect(first).toMatchObject({ error: undefined, results: [] });
    expect(stdoutOf(first)).toBe('grüße 🎉 yes\n');
    const second = await sandbox.runCode('x + 1');
    expect(second.text).toBe('21');
    expect(second.results[0]).toMatchObject({ isMainResult: true, text: '21' });
    expect(second.executionCount).toBe((first.executionCount ?? 0) + 1);
    expect((await sandbox.runCode('"quoted"')).text).toBe('quoted');
  });

  it('calls back in order while it runs', async () => {
    const heard: string[] = [];
    const out: string[] = [];
    await sandbox.runCode(
      'import sys\nprint("one")\nprint("two", file=sys.stderr)\nprint("three")\n4',
      {
        onStdout: ({ line }) => void out.push(line),
        onStderr: ({ line }) => void heard.push(`err ${line}`),
        onResult: ({ text }) => void heard.push(`result ${text}`),
      },
    );
    expect(heard).toEqual(['err two\n', 'result 4']);
    expect(out.join('')).toBe('one\nthree\n');
  });

  it('that fails tells its error', async () => {
    const { error } = await sandbox.runCode('1 / 0');
    expect(error).toMatchObject({ name: 'ZeroDivisionError', value: 'division by zero' });
    expect(error?.traceback).toContain('1 / 0');
  });

  it('has an environment of its own for one run', async () => {
    const code = 'import os\nos.environ.get("ONCE")';
    expect((await sandbox.runCode(code, { envs: { ONCE: "it's" } })).text).toMatch(/it's/);
    expect((await sandbox.runCode(code)).text).toBeUndefined();
  });

  it('runs in JavaScript and Bash as well', async () => {
    expect((await sandbox.runCode('const y = 6; y * 7', { language: 'js' })).text).toBe('42');
    const bash = await sandbox.runCode('cd /tmp; pwd; exit_code() { return 3; }; exit_code', {
      language: 'bash',
    });
    expect(stdoutOf(bash)).toBe('/tmp\n');
  });

  it('gives its figures as images', async () => {
    const { results } = await sandbox.runCode(
      'import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()',
    );
    expect(results.find(({ png }) => png !== undefined)?.png).toMatch(/^iVBOR/);
  });

  it('whose caller has gone is interrupted, and its state is kept', async () => {
    await sandbox.runCode('kept = 5');
    const gone = sandbox.runCode('import time\nwhile True: time.sleep(0.05)', { timeoutMs: 700 });
    await expect(gone).rejects.toThrow(/timed out/i);
    expect((await sandbox.runCode('kept')).text).toBe('5');
  });

  it('of a language that is not here is refused', async () => {
    await expect(sandbox.runCode('x', { language: 'cobol' })).rejects.toThrow('400');
  });
});

describe('a context of the published package', () => {
  it('has a state and directory of its own, is listed, restarted and removed', async () => {
    const context = await sandbox.createCodeContext({ cwd: '/tmp', language: 'python' });
    expect(context).toMatchObject({ language: 'python', cwd: '/tmp' });
    const listed = await sandbox.listCodeContexts();
    expect(listed.map(({ language }) => language)).toContain('javascript');
    expect(listed.at(-1)?.id).toBe(context.id);
    await sandbox.runCode('own = 1', { context });
    expect((await sandbox.runCode('import os\nos.getcwd()', { context })).text).toBe('/tmp');
    expect((await sandbox.runCode('own')).error?.name).toBe('NameError');
    await sandbox.restartCodeContext(context);
    expect((await sandbox.runCode('own', { context })).error?.name).toBe('NameError');
    await sandbox.removeCodeContext(context);
    await expect(sandbox.runCode('1', { context })).rejects.toThrow(NotFoundError);
    await expect(sandbox.removeCodeContext(context)).rejects.toThrow(
      `Context ${context.id} not found`,
    );
  });
});
