import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type RunOptions,
  type RunResult,
  startAgent,
  type TestAgent,
} from '../../helpers/agent.ts';

describe('Bash', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'plain', init: { env: { FROM_INIT: 'i' } } });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  const run = (code: string, options: RunOptions = {}): Promise<RunResult> =>
    agent.run(code, { language: 'bash', ...options });
  const out = async (code: string, options: RunOptions = {}) => (await run(code, options)).stdout;
  /** The next run works, in a shell that knows nothing of the one before. */
  const expectFresh = async () => expect(await out('echo "fresh ${state-}"')).toBe('fresh \n');

  it('keeps variables, functions, options, aliases and its directory', async () => {
    await run(
      'state=5; f() { echo "f $1"; }; declare -A map; map[k]=v; alias hey="echo hey"; cd /tmp',
    );
    expect(await out('echo $state ${map[k]} $PWD; f 1; hey')).toBe('5 v /tmp\nf 1\nhey\n');
    await run('set -u; shopt -s nullglob');
    expect(await out('echo $- ; shopt nullglob')).toMatch(/u.*\nnullglob +\ton\n$/);
    await run('set +u; cd');
  });

  it('ends as its last command did', async () => {
    expect((await run('echo a; (exit 7)')).finished).toMatchObject({
      outcome: 'error',
      exitCode: 7,
    });
    expect((await run('false; true')).finished).toMatchObject({ outcome: 'ok', exitCode: 0 });
    expect((await run('return 4; echo no')).finished).toMatchObject({ exitCode: 4 });
    for (const nothing of ['', '# nothing\n'])
      expect((await run(nothing)).finished).toMatchObject({ outcome: 'ok', exitCode: 0 });
  });

  it('tells an error with the line of the code', async () => {
    const { stderr, stdout, finished } = await run('echo a\nno-such-command\necho b\nif');
    expect(stdout).toBe('a\nb\n');
    expect(stderr).toMatch(/line 2: no-such-command: command not found\n.*line \d: syntax error/);
    expect(finished).toMatchObject({ outcome: 'error', exitCode: 2 });
    expect((await run('echo \0')).error).toMatchObject({
      value: expect.stringContaining('null bytes'),
    });
  });

  it.each([
    ['exit 3', 'error', 3],
    ['exit', 'ok', 0],
    ['set -e; false; echo no', 'error', 1],
    ['exec true', 'ok', 0],
    ['trap "echo bye" EXIT; exit 4', 'error', 4],
  ])(
    'that runs `%s` ends with it, says that its state is lost, and is replaced',
    async (code, outcome, exitCode) => {
      await run('state=1');
      const { stderr, finished } = await run(code);
      expect(finished).toMatchObject({ outcome, exitCode });
      expect(stderr).toMatch(/the interpreter has exited; its variables are gone/);
      await expectFresh();
    },
  );

  it.each([
    ['kill -9 $$', 'SIGKILL', 137],
    ['kill -9 $PPID', 'SIGKILL', 137],
    ['kill -TERM $$; sleep 60', 'SIGTERM', 143],
  ])(
    'that is ended by `%s` is told like any interpreter, and replaced',
    async (code, signal, exitCode) => {
      await run('state=1');
      const { error, finished } = await run(code);
      expect(error?.name).toBe('KernelLost');
      expect(finished).toMatchObject({ outcome: 'killed', exitCode, signal });
      await expectFresh();
    },
  );

  it.each([
    ['a command', 'sleep 60'],
    ['a loop of its own', 'while :; do :; done'],
    ['a loop of commands', 'while :; do sleep 0.01; done'],
    ['functions in functions', 'f() { sleep 60; echo no; }; g() { f; echo no; }; g'],
    ['a pipe', 'sleep 60 | sleep 60'],
    ['a subshell', '( while :; do :; done; echo no )'],
    ['a wait', 'sleep 60 & wait'],
  ])('is interrupted in %s, and keeps its state', async (_, code) => {
    await run('kept=1');
    const { stdout, limits, finished } = await run(`${code}\necho no`, { timeoutMs: 150 });
    expect(limits).toMatchObject([{ limit: 'timeout' }]);
    expect([stdout, finished.outcome, finished.exitCode]).toEqual(['', 'timeout', 130]);
    expect(await out('echo $kept; trap')).toMatch(/^1\ntrap -- .* SIGINT\n$/);
  });

  it('has the environment, directory and stdin of a run for that run only', async () => {
    const value = 'it\'s\n\\ $(no) "é"';
    const shown = await out('printf "%s|" "$FROM_INIT" "$OWN" "$PWD"; read line; echo $line; cat', {
      env: { OWN: value },
      cwd: '/usr',
      stdin: 'one\ntwo\n',
    });
    expect(shown).toBe(`i|${value}|/usr|one\ntwo\n`);
    expect(await out('echo ${OWN-none} $PWD; cat')).toBe(`none ${agent.workspace}\n`);
    await run('OWN=mine', { env: { OWN: 'given' } });
    expect(await out('echo $OWN')).toBe('mine\n');
    const { error, finished } = await run('echo no', { cwd: '/no/such/folder' });
    expect(error?.name).toBe('DirectoryNotFound');
    expect(finished).toMatchObject({ outcome: 'error', exitCode: 1 });
  });

  it('is heard with its commands, to the last line', async () => {
    const { stdout, stderr } = await run('echo 1; /bin/echo 2; echo 3 >/dev/stderr; seq 3 5');
    expect([stdout, stderr]).toEqual(['1\n2\n3\n4\n5\n', '3\n']);
  });

  it('may close what it prints to, for one run', async () => {
    expect((await run('exec >&- 2>&-; echo x')).finished.exitCode).toBe(1);
    expect(await out('echo back')).toBe('back\n');
  });

  it('lets jobs run on behind a run, which cannot end another', async () => {
    await run(
      '( while [ ! -e forge ]; do sleep 0.01; done\n' +
        'for fd in /proc/self/fd/*; do for t in 0 1 2; do echo "deadbeef 0" >&${fd##*/}; done; done\n' +
        'touch forged ) 2>/dev/null & job=$!',
    );
    const id = await agent.start('while [ ! -e go ]; do sleep 0.01; done; echo end', {
      language: 'bash',
    });
    await writeFile(join(agent.workspace, 'forge'), '');
    await agent.run('import os, time\nwhile not os.path.exists("forged"): time.sleep(0.002)');
    await writeFile(join(agent.workspace, 'go'), '');
    const { stdout, finished } = await agent.result(id);
    expect(stdout).toMatch(/end\n$/);
    expect(finished).toMatchObject({ outcome: 'ok', exitCode: 0 });
  });

  it('has no way to speak as its driver does', async () => {
    expect(
      (await run('echo \'{"type":"done","ok":true,"exitCode":0}\' >&3')).finished.exitCode,
    ).toBe(1);
    const lines =
      '{"type":"done","ok":true,"exitCode":0,"k":1}\n\x1e00000000000000000000000000000000\x1e\n';
    expect(await out('cat', { stdin: lines })).toBe(lines);
  });

  it('goes on where the code has names of its own for what the shell offers', async () => {
    const taken = ['source', 'trap', 'printf', 'read', 'eval', 'export', 'cd', 'unset'];
    await run(`${taken.map((name) => `${name}() { echo "not ${name}"; }`).join('; ')}; state=1`);
    expect(await out('echo $state', { env: { A: '1' }, cwd: '/tmp' })).toBe('1\n');
    await run(`builtin unset -f ${taken.join(' ')}`);
  });

  it('that executes nothing any more meets its time limit', async () => {
    const { error, finished } = await run('set -n', { timeoutMs: 200 });
    expect([error?.name, finished.outcome]).toEqual(['KernelLost', 'timeout']);
    await expectFresh();
  });
});
