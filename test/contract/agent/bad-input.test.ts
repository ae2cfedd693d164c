/**
 * The worst of what is given to an interpreter. Each ends in a result that says what happened, and the
 * sandbox lives on. What stands elsewhere:
 *   0 bytes, a line of 1 MB, recursion, stdin that never comes, a daemon → cells.test.ts, "code at its worst"
 *   a `_repr_html_` that raises, sleeps or never returns (IPython)        → rich-results.test.ts
 *   bytes that are not UTF-8, half a character between two writes         → output.test.ts
 *   descriptors, signals, forks, memory, false frames of a driver         → hostile.test.ts
 *   deaths of every kind through the whole stack                          → test/e2e/hostile-code.test.ts
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunOptions, startAgent, type TestAgent } from '../../helpers/agent.ts';
import { hasModules } from '../../helpers/python-modules.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent();
});
afterAll(() => agent[Symbol.asyncDispose]());

async function survives(code: string, options: RunOptions = {}) {
  const ran = await agent.run(code, options);
  const next = await agent.run('', { language: options.language ?? 'python' });
  expect(next.finished.outcome).toBe('ok');
  return ran;
}

it.each([
  [
    'python',
    'held = []\ntry:\n  while True: held.append(open("/dev/null"))\nexcept OSError as error: print(error.errno)',
    'print(1 + 1, "plain" + "er")',
    'for each in held: each.close()',
  ],
  [
    'javascript',
    'held = []; try { for (;;) held.push(require("fs").openSync("/dev/null")) } catch (error) { console.log(-error.errno) }',
    'console.log(1 + 1, "plain" + "er")',
    'for (const fd of held) require("fs").closeSync(fd)',
  ],
  [
    'bash',
    'while { exec {fd}</dev/null; } 2>/dev/null; do held=$fd; done; echo 24',
    'echo 2 plainer',
    'for ((fd = 20; fd <= held; fd += 1)); do exec {fd}<&-; done',
  ],
])(
  '%s goes on where its code has opened all the files that it may',
  async (language, open, code, close) => {
    expect((await agent.run(open, { language })).stdout).toBe('24\n');
    expect(await agent.run(code, { language })).toMatchObject({
      stdout: '2 plainer\n',
      stderr: '',
    });
    expect((await agent.run(close, { language })).finished.outcome).toBe('ok');
  },
);

describe('an interpreter that its code ends', () => {
  it.each([
    ['python', 'import os; os._exit(3)', { outcome: 'error', exitCode: 3 }],
    ['python', 'import os; os.system("kill -9 $PPID")', { outcome: 'killed', signal: 'SIGKILL' }],
    ['javascript', 'process.reallyExit(3)', { outcome: 'error', exitCode: 3 }],
    ['javascript', 'process.kill(process.pid, "SIGKILL"); for (;;);', { outcome: 'killed' }],
    ['bash', 'exit 3', { outcome: 'error', exitCode: 3 }],
    ['bash', 'kill -9 $$', { outcome: 'killed', signal: 'SIGKILL' }],
  ])('ends its run alone: %s: %s', async (language, code, end) => {
    expect((await survives(code, { language })).finished).toMatchObject(end);
  });
});

it.each([
  ['python', 'import subprocess; subprocess.Popen(["sleep", "30"])\nprint("x")'],
  [
    'javascript',
    'require("child_process").spawn("sleep", ["30"], {stdio: "inherit", detached: true}).unref(); console.log("x")',
  ],
  ['bash', 'sleep 30 & echo x'],
])('a child that keeps the outputs open holds up no end in %s', async (language, code) => {
  const { stdout, finished } = await survives(code, { language });
  expect([stdout, finished.outcome]).toEqual(['x\n', 'ok']);
});

it.each([
  ['python', 'x = "\0"'],
  ['javascript', 'x = "\0"; 1'],
  ['bash', 'echo \0'],
])('a NUL in %s ends in a result', async (language, code) => {
  const { error, finished } = await survives(code, { language });
  // JavaScript takes it within quotes.
  expect([error?.name, finished.outcome]).toEqual(
    language === 'javascript' ? [undefined, 'ok'] : ['SyntaxError', 'error'],
  );
});

it.each([
  ['python', 'import os; _ = os.write(1, b"\\xc3")'],
  ['javascript', 'process.stdout.write(Buffer.from([0xc3])); 0'],
  ['bash', "printf '\\xc3'"],
])('half a character at the end of %s is told as it is', async (language, code) => {
  const { events } = await survives(code, { language });
  expect(events.find(({ type }) => type === 'stdout')).toMatchObject({ base64: 'ww==' });
});

const FRAMES = [
  '{"type":"done","ok":true,"exitCode":0,"barrier":"00000000000000000000000000000000","k":0}',
  '{"seq":2,"type":"finished","outcome":"ok","exitCode":0,"metrics":{"wallMs":1}}',
  `\u001e${'0'.repeat(40)}\u001e`,
  '{"keepalive":true}',
].join('\n');

it.each([
  ['python', `print(${JSON.stringify(FRAMES)})`],
  ['javascript', `console.log(${JSON.stringify(FRAMES)})`],
  ['bash', `cat <<'END'\n${FRAMES}\nEND`],
])('what looks like our own frames is output of %s', async (language, code) => {
  const { stdout, finished } = await survives(code, { language });
  expect([stdout, finished.outcome]).toEqual([`${FRAMES}\n`, 'ok']);
});

it('bytes that are no UTF-8 are refused as a body, and run nothing', async () => {
  const body = Buffer.concat([Buffer.from('{"code":"'), Buffer.from([0xff]), Buffer.from('"}')]);
  const response = await fetch(`${agent.baseUrl}/executions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${agent.token}`, 'content-type': 'application/json' },
    body,
  });
  expect(await response.json()).toMatchObject({ code: 'VALIDATION_ERROR' });
});

it.skipIf(!hasModules('pandas'))(
  'a table of 500 MB shows its first rows, and how many there are',
  async () => {
    const { results, finished } = await survives(
      'import numpy as np, pandas as pd\npd.DataFrame(np.zeros((8_000_000, 8)))',
      { timeoutMs: 60_000 },
    );
    expect(finished.outcome).toBe('ok');
    const [result] = results;
    expect(JSON.stringify(result?.data).length).toBeLessThan(1024 ** 2);
    expect(result?.data).toMatchObject({
      'application/vnd.code-interpreter.data+json': { rowCount: 8_000_000 },
    });
  },
  60_000,
);

describe.skipIf(!hasModules('matplotlib'))('a plot', () => {
  const chartOf =
    'get_ipython().display_formatter.formatters["application/vnd.code-interpreter.chart+json"]';

  it('of ten million points takes at most ten times as long to be told as one of a thousand', async () => {
    const { stdout } = await survives(
      `import numpy as np, time
from matplotlib.figure import Figure
def cpu(n):
  ax = Figure().subplots(); ax.scatter(np.zeros(n), np.zeros(n))
  began = time.process_time(); chart = ${chartOf}(ax.figure)
  return time.process_time() - began, chart["elements"][0]
few = min(cpu(1000)[0] for _ in range(3))
many, series = cpu(10_000_000)
print(many < 10 * few, len(series["points"]), series["total_points"])`,
      { timeoutMs: 60_000 },
    );
    expect(stdout).toBe('True 5000 10000000\n');
  }, 60_000);

  it('whose data takes for ever to be told is shown without it', async () => {
    const { results, stderr } = await survives(
      `import time, matplotlib.pyplot as plt
from matplotlib.lines import Line2D
class Slow(Line2D):
  def get_xdata(self, orig=True): time.sleep(60)
fig, ax = plt.subplots()
ax.add_line(Slow([0, 1], [0, 1])); fig`,
      { timeoutMs: 60_000 },
    );
    expect(stderr).toContain('chart+json is left out: it took longer than 5 s');
    expect(Object.keys(results[0]?.data ?? {})).toContain('image/png');
  }, 60_000);
});

it('without IPython, a form that never returns is left out as well', async () => {
  await using plain = await startAgent({ driver: 'plain' });
  const { results, stderr, finished } = await plain.run(
    `class Endless:
  def __repr__(self): return "fine"
  def _repr_markdown_(self): return "*fine*"
  def _repr_html_(self):
    import time
    while True:
      try: time.sleep(600)
      except Exception: pass
Endless()`,
  );
  expect(finished.outcome).toBe('ok');
  expect(results[0]?.data).toEqual({ 'text/plain': 'fine', 'text/markdown': '*fine*' });
  expect(stderr).toContain('text/html is left out: it took longer than 5 s');
}, 30_000);
