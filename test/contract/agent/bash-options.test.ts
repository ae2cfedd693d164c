import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId, type RunOptions, startAgent, type TestAgent } from '../../helpers/agent.ts';

/** What code sets for itself holds for all that the shell does, also for what we have it do. */
describe('Bash, told by the code how to behave,', () => {
  let agent: TestAgent;
  let contextId: string;
  beforeAll(async () => {
    agent = await startAgent();
  });
  afterAll(() => agent[Symbol.asyncDispose]());
  beforeEach(async () => {
    contextId = newId('cx');
    await agent.call('POST', '/contexts', { contextId, language: 'bash' });
    await run('kept=7');
    return () => agent.call('DELETE', `/contexts/${contextId}`);
  });

  const run = (code: string, options: RunOptions = {}) =>
    agent.run(code, { language: 'bash', contextId, timeoutMs: 5_000, ...options });
  const out = async (code: string, options: RunOptions = {}) => (await run(code, options)).stdout;
  const complete = async (code: string) => {
    const { status, body } = await agent.call('POST', `/contexts/${contextId}/complete`, { code });
    return [status, (body as { matches: { text: string }[] }).matches.map(({ text }) => text)];
  };
  const KEPT = 'echo $kept $-';

  it.each([
    ['set -e', /^7 e/],
    ['set -eT', /^7 e\w*T/],
    ['set -u', /^7 \w*u/],
    ['set -o noclobber', /^7 \w*C/],
    ['set -o posix', /^7 /],
    ['shopt -s extdebug', /^7 \w*T/],
    ['trap "exit 3" ERR', /^7 /],
    ['trap : DEBUG', /^7 /],
    ['readonly IFS', /^7 /],
    ['ulimit -n 9', /^7 /],
  ])(
    'completes, enters, leaves and is interrupted under `%s`, which stays',
    async (code, shown) => {
      expect((await run(code)).stderr).toBe('');
      expect(await complete('ls zzzzqq')).toEqual([200, []]);
      expect(await complete('echo $kep')).toEqual([200, ['kept']]);
      expect(await out('echo $GIVEN $PWD', { env: { GIVEN: 'b' }, cwd: '/usr' })).toBe('b /usr\n');
      expect(await out(KEPT)).toMatch(shown);
      const { finished } = await run('sleep 60', { timeoutMs: 150 });
      expect([finished.outcome, finished.exitCode]).toEqual(['timeout', 130]);
      expect(await out(KEPT)).toMatch(shown);
    },
  );

  it('goes on under `set -e` where a script would, and ends where one would', async () => {
    await run('set -e; fails() { false; echo no; }');
    const { finished, stderr } = await run('[ -f missing ] && echo no');
    expect([finished.outcome, finished.exitCode, stderr]).toEqual(['error', 1, '']);
    expect(await out(KEPT)).toMatch(/^7 e/);
    const last = await run('fails; echo no');
    expect([last.stdout, last.finished.exitCode]).toEqual(['', 1]);
    expect(last.stderr).toContain('the interpreter has exited');
  });

  it('has its ERR trap run once for what fails', async () => {
    await run('trap "echo failed" ERR');
    expect(await out('false')).toBe('failed\n');
  });

  it.each(['set +e', 'set -e', 'set -o posix'])(
    'is answered where the environment of a run cannot be set, or taken back, under `%s`',
    async (option) => {
      const env = { OLD: 'b', NEW: 'b', NUMBER: '5' };
      await run(`export OLD=a NUMBER="a b"; ${option}`);
      const made = await run('readonly OLD NEW; declare -i NUMBER', { env, cwd: '/usr' });
      expect(made.finished).toMatchObject({ outcome: 'ok', exitCode: 0 });
      const home = agent.workspace;
      expect(await out('echo $kept $OLD $NEW $NUMBER $PWD')).toBe(`7 b b 5 ${home}\n`);
      const again = { env: { OLD: 'c', NUMBER: '6' } };
      expect(await out('echo $OLD $NUMBER', again)).toBe('b 6\n');
      expect(await out('echo $kept $NUMBER')).toBe('7 5\n');
    },
  );

  it.each(['', 'ulimit -n 20; '])('keeps the descriptors that code opens (%s)', async (before) => {
    const numbers = [3, 4, 5, 6, 7, 8, 9];
    await run(`${before}exec ${numbers.map((n) => `${n}>kept${n}`).join(' ')}; echo in >&8`);
    await run(numbers.map((n) => `echo ${n} >&${n}`).join('; '));
    expect(await out('cat kept*')).toBe('3\n4\n5\n6\n7\nin\n8\n9\n');
  });

  it.each([
    ['set -x', '+++ echo 7\n'],
    ['set -v', 'echo $kept\n'],
  ])('tells under `%s` of the code and of no line of ours', async (option, told) => {
    expect((await run(option)).stderr).toBe('');
    const { stdout, stderr } = await run('echo $kept', { env: { GIVEN: 'b' }, cwd: '/usr' });
    expect([stdout, stderr]).toEqual(['7\n', told]);
  });

  it('is heard to its end, also what it prints as it exits', async () => {
    const { stdout, stderr } = await run('trap "echo out; echo err >&2" EXIT; exit 4');
    expect([stdout, stderr]).toEqual(['out\n', expect.stringMatching(/^err\n/)]);
  });

  it('hands no descriptor of ours to a command', async () => {
    expect(await out('ls /proc/self/fd')).toBe('0\n1\n2\n3\n');
  });

  it('answers whatever IFS is', async () => {
    expect((await run('IFS=0123456789')).finished).toMatchObject({ outcome: 'ok', exitCode: 0 });
    expect((await run('(exit 10)')).finished).toMatchObject({ exitCode: 10 });
    expect(await out('echo "$kept"')).toBe('7\n');
  });

  it('waits for its next run longer than TMOUT', async () => {
    await run('TMOUT=1');
    await sleep(1_300);
    expect(await out(KEPT)).toMatch(/^7 /);
  });
});
