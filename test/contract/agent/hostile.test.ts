import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentHealth } from '../../../contract/agent/protocol.ts';
import { canUseLauncher, type RunResult, startAgent, type TestAgent } from '../../helpers/agent.ts';

const hasCompiler = (() => {
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** A checkout in a home that is its owner's alone keeps the node that JavaScript needs from anyone else. */
const othersHaveNode =
  canUseLauncher &&
  spawnSync(process.execPath, ['--version'], { uid: 65_534, gid: 65_534 }).status === 0;

/** User code as another user, through the real launcher, as in a sandbox. */
describe.skipIf(!canUseLauncher || !hasCompiler)('code that means harm', () => {
  let agent: TestAgent;
  // RLIMIT_NPROC counts a user's processes on the whole machine: a uid of its own for each run of this file.
  const uid = 20_000 + (process.pid % 40_000);
  beforeAll(async () => {
    agent = await startAgent({
      launcher: true,
      env: {
        AGENT_USER_UID: String(uid),
        AGENT_USER_GID: String(uid),
        AGENT_MEMORY_BYTES: String(640 * 1024 ** 2),
        AGENT_MAX_PROCESSES: '48',
        AGENT_FILE_BYTES: '1000000',
        AGENT_TIMEOUT_GRACE_MS: '200',
      },
    });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  /** Whatever it does, the next run must work. */
  const attack = async (code: string, options = {}): Promise<RunResult> => {
    const result = await agent.run(code, options);
    const next = await agent.run('print("alive")');
    expect([next.stdout, next.finished.outcome]).toEqual(['alive\n', 'ok']);
    expect(AgentHealth.parse((await agent.call('GET', '/health')).body).status).toBe('ok');
    return result;
  };

  it('runs as a user that has nothing, with an environment that tells nothing', async () => {
    const { stdout } = await agent.run(
      'import os; print(os.getuid(), os.getgroups(), sorted(os.environ)); print(sorted(os.listdir("/proc/self/fd"), key=int)[:3])',
    );
    const names = "['HOME', 'LANG', 'MPLBACKEND', 'PATH', 'PYTHONUNBUFFERED', 'USER']";
    expect(stdout).toBe(`${uid} [] ${names}\n['0', '1', '2']\n`);
  });

  it('cannot kill its parent, nor read what belongs to it', async () => {
    const killed = await attack('import os; os.kill(os.getppid(), 9)');
    expect(killed.error?.name).toBe('PermissionError');
    for (const file of ['environ', 'mem', 'maps', 'fd']) {
      const read = await agent.run(
        `import os; p = f"/proc/{os.getppid()}/${file}"; os.listdir(p) if p.endswith("fd") else open(p, "rb").read(1)`,
      );
      expect([file, read.error?.name]).toEqual([file, 'PermissionError']);
    }
    const spool = `${agent.folder}/spool`;
    expect((await agent.run(`import os; os.listdir("${spool}")`)).error?.name).toBe(
      'PermissionError',
    );
  });

  it('cannot use the agent without its token', async () => {
    const { stdout } = await agent.run(
      `import urllib.request as u, urllib.error as e\ntry: u.urlopen(u.Request("${agent.baseUrl}/drain", method="POST"))\nexcept e.HTTPError as problem: print(problem.code)`,
    );
    expect(stdout).toBe('401\n');
  });

  it('may end its interpreter, which is told and replaced', async () => {
    for (const [code, outcome, exitCode] of [
      ['import os; os._exit(3)', 'error', 3],
      ['import os; os._exit(0)', 'error', 0],
      ['import os; os.kill(os.getpid(), 9)', 'killed', 137],
      ['import os; os.kill(os.getpid(), 15)', 'killed', 143],
      ['import ctypes; ctypes.string_at(0)', 'error', 139],
      ['import os; os.closerange(0, 1000)', 'error', 1],
    ] as const) {
      const { error, finished } = await attack(code);
      expect([code, error?.name, finished.outcome, finished.exitCode]).toEqual([
        code,
        'KernelLost',
        outcome,
        exitCode,
      ]);
    }
  });

  it('may end every process that it can', async () => {
    await attack('import os; os.kill(-1, 9)');
  });

  it('may end every process that it can from bash too', async () => {
    await attack('kill -9 -1', { language: 'bash' });
    expect((await agent.run('', { language: 'bash' })).finished.outcome).toBe('ok');
  });

  describe.skipIf(!othersHaveNode)('in JavaScript', () => {
    const javascript = { language: 'javascript' };

    it('may end every process that it can', async () => {
      await attack('process.kill(-1, 9)', javascript);
      expect((await agent.run('', javascript)).finished.outcome).toBe('ok');
    });

    it('may eat memory, and is told so', async () => {
      for (const hoard of [
        'new Array(100_000).fill(0.5 + hoard.length)',
        'Buffer.alloc(10_000_000, 1)',
      ]) {
        const code = `const hoard = []; while (true) hoard.push(${hoard})`;
        const { limits, finished } = await attack(code, javascript);
        expect([finished.outcome, limits[0]?.limit]).toEqual(['out_of_memory', 'memory']);
      }
    });
  });

  it('may close or replace what it prints to', async () => {
    expect((await attack('import os; os.close(1); print("x")')).error?.name).toBe('OSError');
    await attack('import os; os.close(1); os.close(2)');
    await attack('import sys; sys.stdout.close(); sys.stderr = None');
    await attack('import sys; sys.stdout = 5; print("x")');
    const elsewhere =
      'import os; fd = os.open("/dev/null", os.O_WRONLY); os.dup2(fd, 1); print("x")';
    expect((await attack(elsewhere)).stdout).toBe('');
  });

  it('may write garbage to every descriptor it finds', async () => {
    const garbage = 'b"garbage\\n" + bytes(range(256)) + b"[" * 100_000 + b"\\n"';
    const { finished } = await attack(
      `import os\nfor fd in range(3, 1024):\n  try:\n    os.set_blocking(fd, False)\n    os.write(fd, ${garbage})\n  except OSError: pass`,
      { timeoutMs: 3_000 },
    );
    expect(['ok', 'timeout', 'error']).toContain(finished.outcome);
  });

  it('may speak as its driver does, and harms only its own run', async () => {
    const forge = (frames: string) =>
      `import gc, json, os\nio = get_ipython().kernel_io\nfor frame in ${frames}:\n  os.write(io._frames, json.dumps({"barrier": io._barrier.decode(), **frame}).encode() + b"\\n")`;
    await attack(forge('[{"type": "done", "k": 1, "ok": True, "exitCode": 0}]'), {
      timeoutMs: 3_000,
    });
    await attack(forge('[{"type": "result", "k": 7, "main": True, "data": {}}] * 3'));
    await attack(
      forge('[{"type": "finished", "k": 1, "outcome": "ok"}, {"k": -1}, {"type": "ready"}]'),
    );
    const marks =
      'import os\nio = get_ipython().kernel_io\nfor k in range(1, 9): os.write(1, b"\\x1e%s%08x\\x1e" % (io._barrier, k))\nprint("after")';
    expect((await attack(marks)).finished.outcome).toBe('ok');
  });

  it('may pile up marks on one output and end, and the agent answers meanwhile', async () => {
    const { finished } = await attack(
      'import os\nio = get_ipython().kernel_io\nmarks = b"".join(b"\\x1e%s%08x\\x1e" % (io._barrier, k) for k in range(1, 200_000))\nos.write(1, marks[:1_000_000])\nos._exit(0)',
      { timeoutMs: 3_000 },
    );
    expect(['error', 'timeout']).toContain(finished.outcome);
  });

  it('is no longer listened to after too many false frames, and meets its time limit', async () => {
    const { finished } = await attack(
      'import json, os\nio = get_ipython().kernel_io\nline = json.dumps({"type": "start", "barrier": io._barrier.decode(), "k": 99}).encode()\nfor _ in range(1_001): os.write(io._frames, line + b"\\n")',
      { timeoutMs: 1_000 },
    );
    expect(finished.outcome).toBe('timeout');
  });

  it('may take the request of a later run, which then meets its time limit', async () => {
    await agent.run(
      'import os, threading\nio = get_ipython().kernel_io\nfd = os.dup(io._requests)\nthreading.Thread(target=os.read, args=(fd, 10_000_000), daemon=True).start()',
    );
    // The interpreter and the thief wait for the same request: either may get the first.
    for (let tries = 1, outcome = ''; outcome !== 'timeout'; tries++) {
      expect(tries).toBeLessThan(10);
      outcome = (await agent.run('1', { timeoutMs: 300 })).finished.outcome;
    }
    expect((await agent.run('print("alive")', { timeoutMs: 10_000 })).stdout).toBe('alive\n');
  });

  it('may ignore every signal that can be ignored', async () => {
    const { error, limits, finished } = await attack(
      'import signal\nfor s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)\nwhile True: pass',
      { timeoutMs: 200 },
    );
    expect(limits).toMatchObject([{ limit: 'timeout', value: 200 }]);
    expect(error?.name).toBe('KernelLost');
    expect(finished).toMatchObject({ outcome: 'timeout', exitCode: 137, signal: 'SIGKILL' });
  });

  it('may eat memory, and is told so', async () => {
    const { error, limits, finished } = await attack(
      'hoard = []\nwhile True: hoard.append(bytearray(1_000_000))',
    );
    expect(error?.name).toBe('MemoryError');
    expect(limits).toMatchObject([{ limit: 'memory' }]);
    expect(finished.outcome).toBe('out_of_memory');
  });

  it('may write a file that is too large, and is told so', async () => {
    const { error, limits } = await attack('open("large", "wb").write(b"x" * 2_000_000)');
    expect(error?.name).toBe('OSError');
    expect(limits).toMatchObject([{ limit: 'file_size', value: 1_000_000 }]);
  });

  it('may fork without end, also out of its group, and the agent answers meanwhile', async () => {
    const bomb = (more: string) =>
      `import os\nwhile True:\n  try:\n    os.fork()${more}\n  except OSError: pass`;
    for (const more of ['', '\n    os.setsid()']) {
      const running = attack(bomb(more), { timeoutMs: 500 });
      const { limits, finished } = await running;
      expect(limits).toMatchObject([{ limit: 'timeout' }]);
      expect(finished.outcome).toBe('timeout');
    }
  });

  it('leaves nothing behind when the sandbox is drained', async () => {
    await agent.run('import subprocess; subprocess.Popen(["setsid", "sleep", "100"])');
    await agent.call('POST', '/drain');
    expect(processesOf(uid)).toEqual([]);
  });
});

/** Names of a user's processes; those that only wait to be reaped are gone. */
function processesOf(uid: number): string[] {
  const statuses = readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/status`, 'utf8')] : [];
    } catch {
      return []; // It ended while we looked.
    }
  });
  return statuses.filter(
    (status) => new RegExp(`^Uid:\\s+${uid}\\s`, 'm').test(status) && !/^State:\s+Z/m.test(status),
  );
}
