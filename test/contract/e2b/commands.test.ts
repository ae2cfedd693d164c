/** Commands of the published `e2b` package, unchanged, against a real agent. */
import { Sandbox as InterpreterSandbox } from '@e2b/code-interpreter';
import { CommandExitError, InvalidArgumentError, Sandbox, TimeoutError } from 'e2b';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canUseLauncher, type TestAgent } from '../../helpers/agent.ts';
import { commandLineOf, type E2bAgent, startE2bAgent } from '../../helpers/e2b.ts';

let agent: TestAgent;
let e2b: E2bAgent;
let sandbox: Sandbox;

beforeAll(async () => {
  e2b = await startE2bAgent({ driver: 'plain', init: { env: { FROM_INIT: 'yes' } } });
  ({ agent } = e2b);
  sandbox = await Sandbox.create(e2b.settings);
});
afterAll(() => e2b?.[Symbol.asyncDispose]());

describe('a command of the published package', () => {
  it('answers its output, apart by stream, and its exit code', async () => {
    const result = await sandbox.commands.run('echo out; echo err >&2; printf "%s" "$FROM_INIT"');
    expect(result).toEqual({ exitCode: 0, stdout: 'out\nyes', stderr: 'err\n' });
  });

  it('has the directory and environment of its caller', async () => {
    const options = { cwd: agent.workspace, envs: { GREETING: 'grüß' } };
    const { stdout } = await sandbox.commands.run('pwd; echo "$GREETING"', options);
    expect(stdout).toBe(`${agent.workspace}\ngrüß\n`);
  });

  it('that fails is told with what it wrote', async () => {
    const failed = sandbox.commands.run('echo half; echo why >&2; exit 3');
    await expect(failed).rejects.toThrow(CommandExitError);
    await expect(failed).rejects.toMatchObject({ exitCode: 3, stdout: 'half\n', stderr: 'why\n' });
  });

  it('gives all of 8 MiB', async () => {
    const { stdout } = await sandbox.commands.run('head -c 8388608 /dev/zero | tr "\\0" x');
    expect(stdout.length).toBe(8_388_608);
  });

  it('is heard while it runs, a character whole', async () => {
    const heard: string[] = [];
    const command = await sandbox.commands.run('printf "\\303"; read; printf "\\251"; echo !', {
      background: true,
      stdin: true,
      onStdout: (text) => void heard.push(text),
    });
    await sandbox.commands.sendStdin(command.pid, 'go\n');
    expect((await command.wait()).stdout).toBe('é!\n');
    expect(heard.join('')).toBe('é!\n');
  });

  it('meets the end of its stdin when that is closed', async () => {
    const command = await sandbox.commands.run('cat', { background: true, stdin: true });
    await command.sendStdin('one ');
    await sandbox.commands.sendStdin(command.pid, 'two');
    await sandbox.commands.closeStdin(command.pid);
    expect((await command.wait()).stdout).toBe('one two');
  });

  it('is listed while it runs, and killed once', async () => {
    const command = await sandbox.commands.run('sleep 600', { background: true, timeoutMs: 0 });
    const listed = (await sandbox.commands.list()).find(({ pid }) => pid === command.pid);
    expect(listed).toMatchObject({ cmd: '/bin/bash', args: ['-l', '-c', 'sleep 600'] });
    const ended = command.wait();
    ended.catch(() => undefined);
    expect(await command.kill()).toBe(true);
    await expect(ended).rejects.toMatchObject({ exitCode: -1, error: 'signal: killed' });
    expect(await sandbox.commands.kill(command.pid)).toBe(false);
    expect(await sandbox.commands.list()).not.toContainEqual(
      expect.objectContaining({ pid: command.pid }),
    );
  });

  it('lives on without its reader, and is heard by whoever connects', async () => {
    const command = await sandbox.commands.run('read; echo heard', {
      background: true,
      stdin: true,
      timeoutMs: 0,
    });
    await command.disconnect();
    const [one, other] = await Promise.all([
      sandbox.commands.connect(command.pid),
      sandbox.commands.connect(command.pid),
    ]);
    await sandbox.commands.sendStdin(command.pid, '\n');
    expect((await one.wait()).stdout).toBe('heard\n');
    expect((await other.wait()).stdout).toBe('heard\n');
    // Also after its end.
    expect((await (await sandbox.commands.connect(command.pid)).wait()).exitCode).toBe(0);
  });

  it('ends with its time limit', async () => {
    const late = sandbox.commands.run('echo $$; sleep 600', { timeoutMs: 300 });
    await expect(late).rejects.toThrow(TimeoutError);
    await expect.poll(() => sandbox.commands.list()).toEqual([]);
  });

  it('ends though a child of it lives on and holds its output open', async () => {
    const { stdout } = await sandbox.commands.run('sleep 5 & echo started');
    expect(stdout).toBe('started\n');
  });

  it.each([
    ['a directory that is not there', { cwd: '/not/there' }, InvalidArgumentError],
    ['another user', { user: 'root' as const }, Error],
  ])('in %s is refused', async (_, options, error) => {
    await expect(sandbox.commands.run('true', options)).rejects.toThrow(error);
  });

  it('was asked for by the published package and by nothing else', () => {
    expect(e2b.calls.length).toBeGreaterThan(20);
    expect(new Set(e2b.calls)).toEqual(
      new Set([
        'POST /e2b/envd/process.Process/Start',
        'POST /e2b/envd/process.Process/SendInput',
        'POST /e2b/envd/process.Process/CloseStdin',
        'POST /e2b/envd/process.Process/List',
        'POST /e2b/envd/process.Process/SendSignal',
        'POST /e2b/envd/process.Process/Connect',
      ]),
    );
  });
});

describe.runIf(canUseLauncher)('a command through the launcher', () => {
  let own: E2bAgent;
  let commands: Sandbox['commands'];
  beforeAll(async () => {
    own = await startE2bAgent({ driver: 'plain', launcher: true });
    ({ commands } = await InterpreterSandbox.create(own.settings));
  });
  afterAll(() => own?.[Symbol.asyncDispose]());

  it('is user code: another user, no rights, no descriptor but its own three', async () => {
    const { stdout } = await commands.run(
      'id -u; grep -E "NoNewPrivs|CapEff|Seccomp:" /proc/self/status; ls /proc/self/fd | wc -l; env',
    );
    expect(stdout).toMatch(/^\d+\nCapEff:\t0+\nNoNewPrivs:\t1\nSeccomp:\t2\n4\n/);
    expect(Number.parseInt(stdout, 10)).toBe(own.agent.uid);
    expect(own.agent.uid).toBeGreaterThan(0);
    expect(stdout).not.toContain('AGENT_');
  });

  it.each([
    ['cwd', { cwd: '/not/there' }, /cwd: \/not\/there: No such file/],
    ['cwd of root', { cwd: '/root' }, /cwd: \/root: Permission denied/],
  ])('refuses a wrong %s before anything runs', async (_, options, message) => {
    await expect(commands.run('true', options)).rejects.toThrow(message);
  });

  it('is killed with what it has started', async () => {
    const command = await commands.run('sleep 601 & echo $!; sleep 602 & echo $!; wait', {
      background: true,
    });
    command.wait().catch(() => undefined);
    await expect.poll(() => command.stdout).toMatch(/^\d+\n\d+\n$/);
    const started = command.stdout.trim().split('\n').map(Number);
    const shown = () => Promise.all(started.map((pid) => commandLineOf(pid, { commands })));
    await expect.poll(shown).toEqual(['sleep 601', 'sleep 602']);
    await command.kill();
    await expect.poll(shown).toEqual(['', '']);
  });
});
