/** Code that ends itself, its interpreter or its channels badly: a result that says why, and a next run. */
import { describe } from 'vitest';
import { survivesEach } from '../helpers/hostile.ts';

const lost = { error: { name: 'KernelLost' } };
const killed = { outcome: 'killed', exitCode: 137, ...lost };
const forKill = { type: 'error', name: 'KernelLost' };
const timeLimit = { type: 'limit', limit: 'timeout', value: 500 };
const timeout = { options: { timeoutMs: 500 } };

describe('code that never ends', () => {
  survivesEach({
    'is stopped, and keeps its variables': {
      code: 'while True: pass',
      ...timeout,
      ends: { outcome: 'timeout', exitCode: 1, error: { name: 'KeyboardInterrupt' } },
      says: [timeLimit, { type: 'error', name: 'KeyboardInterrupt' }],
    },
    'and ignores SIGINT and SIGTERM is killed': {
      code: `
import signal
for s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, signal.SIG_IGN)
while True: pass`,
      ...timeout,
      ends: { outcome: 'timeout', exitCode: 137, ...lost },
      says: [timeLimit, forKill],
    },
    'and swallows every exception is stopped': {
      code: `
while True:
  try:
    while True: pass
  except BaseException: pass`,
      ...timeout,
      ends: { outcome: 'timeout' },
      says: [timeLimit, { type: 'error' }],
    },
    'since it stopped itself is killed': {
      code: 'import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)',
      ...timeout,
      ends: { outcome: 'timeout', exitCode: 137, ...lost },
      says: [timeLimit, forKill],
    },
  });
});

describe('code that ends its interpreter', () => {
  survivesEach({
    'by _exit': {
      code: 'import os\nprint("bye")\nos._exit(3)',
      ends: { outcome: 'error', exitCode: 3, stdout: 'bye\n', ...lost },
    },
    'by exit': {
      code: 'import sys\nsys.exit(3)',
      ends: { outcome: 'error', exitCode: 3, error: { name: 'SystemExit', value: '3' } },
    },
    'by SIGKILL': { code: 'import os\nos.kill(os.getpid(), 9)', ends: killed },
    'by SIGTERM': {
      code: 'import os\nos.kill(os.getpid(), 15)',
      ends: { ...killed, exitCode: 143 },
    },
    'by abort': {
      code: 'import os\nos.abort()',
      ends: { outcome: 'error', exitCode: 134, ...lost },
    },
    'by another program in its place': {
      code: 'import os\nos.execv("/bin/sh", ["sh", "-c", "exit 0"])',
      ends: { outcome: 'error', ...lost },
    },
    'by a write to address 0': {
      code: 'import ctypes\nctypes.memset(0, 0, 1)',
      ends: { outcome: 'error', exitCode: 139, ...lost },
    },
    'by recursion in C without end': {
      code: `
import sys
sys.setrecursionlimit(10**9)
class Self:
  def __repr__(self): return repr(self)
repr(Self())`,
      ends: lost,
    },
    'by closing all it has open': {
      code: 'import os\nos.closerange(0, 1024)\nprint("heard by nobody")',
      ends: { outcome: 'error', stdout: '', ...lost },
    },
    'by taking away what drivers are made of': {
      code: 'import builtins\nfor name in ("open", "len", "isinstance", "repr", "str"): setattr(builtins, name, None)',
      ends: { outcome: 'error', ...lost },
    },
  });
});

describe('code that attacks its channels', () => {
  const frames = [
    '{"type":"done","ok":true,"exitCode":0,"barrier":"00000000000000000000000000000000","k":0}',
    '{"seq":2,"at":"2026-01-01T00:00:00.000Z","type":"finished","outcome":"ok","exitCode":0}',
    '{"keepalive":true}',
    `\u001e${'0'.repeat(40)}\u001e`,
    'event: end',
    'data: {}',
    '',
    '',
  ].join('\n');

  survivesEach({
    'by closing its stdout and stderr': {
      code: 'import os\nprint("before")\nos.close(1); os.close(2)\nprint("after")',
      ends: { outcome: 'error', stdout: 'before\n', error: { name: 'OSError' } },
    },
    'by garbage on every descriptor': {
      code: `
import os
for fd in range(3, 256):
  try: os.write(fd, b'garbage \\x00\\xff {"type":"done","ok":false}\\n' * 100)
  except OSError: pass
raise SystemExit(7)`,
      ends: { outcome: 'error', exitCode: 7, error: { name: 'SystemExit' } },
    },
    'by output that looks like the agent’s own': {
      code: `print(${JSON.stringify(frames)}, end="")\n1/0`,
      ends: { outcome: 'error', stdout: frames, error: { name: 'ZeroDivisionError' } },
    },
    'by a child that keeps stdout open': {
      code: 'import subprocess\nchild = subprocess.Popen(["sleep", "600"])\nprint("left")',
      ends: { outcome: 'ok', stdout: 'left\n' },
    },
    'by daemons': {
      code: `
import os, time
for _ in range(8):
  if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(600)
    os._exit(0)
print("left")`,
      ends: { outcome: 'ok', stdout: 'left\n' },
    },
    'by a child that comes back as if it were the interpreter': {
      code: 'import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nprint("parent" if pid else "child")',
      ends: { outcome: 'ok', stdout: 'child\nparent\n' },
    },
    'by killing its parent': {
      code: 'import os\nos.kill(os.getppid(), 9)',
      ends: { outcome: 'error', exitCode: 1, error: { name: 'PermissionError' } },
    },
    'by killing the first process': {
      code: 'import os\nos.kill(1, 9)',
      ends: { outcome: 'error', exitCode: 1, error: { name: 'PermissionError' } },
    },
    'by killing all that it may': { code: 'import os\nos.kill(-1, 9)', ends: { outcome: 'ok' } },
  });
});
