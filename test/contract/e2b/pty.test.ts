/** Terminals of the published `e2b` package, unchanged, against a real agent. */
import { Sandbox } from 'e2b';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canUseLauncher } from '../../helpers/agent.ts';
import { commandLineOf, type E2bAgent, startE2bAgent } from '../../helpers/e2b.ts';

describe.each([
  { where: 'on a bare host', launcher: false },
  ...(canUseLauncher ? [{ where: 'through the launcher', launcher: true }] : []),
])('a terminal of the published package, $where', ({ launcher }) => {
  let e2b: E2bAgent;
  let sandbox: Sandbox;
  beforeAll(async () => {
    e2b = await startE2bAgent({ driver: 'plain', terminals: true, launcher });
    sandbox = await Sandbox.create(e2b.settings);
  }, 30_000);
  afterAll(() => e2b?.[Symbol.asyncDispose]());

  async function open() {
    let shown = '';
    const handle = await sandbox.pty.create({
      cols: 80,
      rows: 24,
      timeoutMs: 0,
      onData: (bytes) => {
        shown += new TextDecoder().decode(bytes);
      },
    });
    const type = (text: string) =>
      sandbox.pty.sendInput(handle.pid, new TextEncoder().encode(text));
    const shows = (text: string | RegExp) =>
      expect.poll(() => shown, { timeout: 10_000 }).toMatch(text);
    /** Ends with the process id of what then runs in front of the shell. */
    const inFront = async (command: string) => {
      await type(`sh -c 'echo "in front: $$"; exec ${command}'; echo "ended by $?"\n`);
      await shows(/in front: \d+\r\n/);
      return Number(/in front: (\d+)\r\n/.exec(shown)?.[1]);
    };
    return { handle, type, shows, inFront };
  }

  it('is a real one: with a size that changes, job control and an exit code', async () => {
    const { handle, type, shows, inFront } = await open();
    await type('stty size; tty; echo "user $(id -u)"\n');
    await shows(/24 80\r\n\/dev\/pts\/\d+\r\n/);
    await shows(`user ${e2b.agent.uid}\r\n`);
    await sandbox.pty.resize(handle.pid, { cols: 100, rows: 30 });
    await type('stty size\n');
    await shows(/30 100\r\n/);
    // An interrupt is the terminal's: it reaches what runs in front, not the shell.
    const pid = await inFront('sleep 600');
    await expect.poll(() => commandLineOf(pid, sandbox)).toBe('sleep 600');
    await type('\u0003');
    await type('echo "alive $((40 + 2))"\n');
    await shows(/alive 42\r\n/);
    await type('exit 7\n');
    await expect(handle.wait()).rejects.toMatchObject({ exitCode: 7 });
  });

  it('ends when it is killed, with what runs in front of it', async () => {
    const { handle, inFront } = await open();
    const pid = await inFront('sleep 777');
    await expect.poll(() => commandLineOf(pid, sandbox)).toBe('sleep 777');
    const ended = handle.wait();
    ended.catch(() => undefined);
    expect(await sandbox.pty.kill(handle.pid)).toBe(true);
    await expect(ended).rejects.toMatchObject({ exitCode: -1, error: 'signal: killed' });
    await expect.poll(() => commandLineOf(pid, sandbox)).toBe('');
  });

  it('refuses a directory that is not there', async () => {
    const wrong = sandbox.pty.create({
      cols: 80,
      rows: 24,
      cwd: '/not/there',
      onData: () => undefined,
    });
    await expect(wrong).rejects.toThrow(launcher ? /cwd: \/not\/there/ : /ENOENT/);
  });
});
