/**
 * `1+1` in a warm interpreter as its agent measures it, beside the same asked of a bare interpreter over
 * two pipes in the same sandbox; and what a fresh context holds in memory.
 */
import type { Sandbox } from '../../sdk/typescript/src/index.ts';
import { type Bench, type Measure, type Row, warmSandbox } from '../measure.ts';
import { sample } from '../stats.ts';
import { BenchError } from '../target.ts';

const MIB = 2 ** 20;
/** Its code, and a program that answers a line with a line. */
const INTERPRETERS = {
  python: { code: '1+1', bare: ['python3', '-u', '-i', '-q'], line: 'print(1+1)' },
  javascript: {
    code: '1+1',
    bare: ['{node}', '-e', 'process.stdin.on("data", (line) => console.log(eval(String(line))))'],
    line: '1+1',
  },
  bash: { code: 'echo $((1+1))', bare: ['bash', '--norc'], line: 'echo $((1+1))' },
} as const;
type Language = keyof typeof INTERPRETERS;

export const interpreters: Measure = {
  name: 'interpreters',
  summary: '`1+1` warm beside a bare interpreter, and the memory of a context, per language',
  runs: 200,
  run: async (bench) => {
    await using sandbox = await warmSandbox(bench);
    const asked = await sandbox.execute('console.log(process.execPath)', {
      language: 'javascript',
    });
    const node = asked.stdout.trim();
    const rows: Row[] = [];
    for (const language of Object.keys(INTERPRETERS) as Language[])
      rows.push(...(await measure(bench, { sandbox, language, node })));
    return rows;
  },
};

interface Measured {
  readonly sandbox: Sandbox;
  readonly language: Language;
  readonly node: string;
}

async function measure(bench: Bench, { sandbox, language, node }: Measured): Promise<Row[]> {
  const { bare, code, line } = INTERPRETERS[language];
  const { id } = await sandbox.contexts.create({ language });
  const run = () => metricsOf(sandbox, code, { contextId: id, signal: bench.signal });
  const memory = (await run()).memoryPeakBytes;
  const warm = { runs: bench.runs, budgetMs: bench.budgetMs / 6 };
  const ours = await sample(warm, async () => (await run()).wallMs);
  await sandbox.contexts.delete(id);
  const command = bare.map((word) => (word === '{node}' ? node : word));
  return [
    { name: `${language} warm`, unit: 'ms', samples: ours, note: 'as the agent measures it' },
    { name: `${language} bare`, unit: 'ms', samples: await askBare(bench, sandbox, command, line) },
    {
      name: `${language} memory`,
      unit: 'MiB',
      samples: memory === undefined ? [] : [memory / MIB],
      note: 'the most that it held in its first run',
    },
  ];
}

async function metricsOf(sandbox: Sandbox, code: string, options: object) {
  const { metrics, outcome } = await sandbox.execute(code, options);
  if (outcome !== 'ok') throw new BenchError(`${code} came to ${outcome}`);
  return metrics;
}

/** From the line written to the answer read, within the sandbox. */
async function askBare(
  { runs, signal }: Bench,
  sandbox: Sandbox,
  command: readonly string[],
  line: string,
): Promise<number[]> {
  const code = `
import json, subprocess, time
child = subprocess.Popen(json.loads(${JSON.stringify(JSON.stringify(command))}), bufsize=0,
  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
def ask():
  began = time.perf_counter()
  child.stdin.write(${JSON.stringify(`${line}\n`)}.encode())
  assert child.stdout.readline() == b"2\\n"
  return (time.perf_counter() - began) * 1000
for _ in range(10): ask()
print(json.dumps([ask() for _ in range(${runs})]))
child.kill()`;
  const { outcome, stdout, error } = await sandbox.execute(code, { timeoutMs: 60_000, signal });
  if (outcome !== 'ok')
    throw new BenchError(`a bare ${command[0]} came to ${outcome}: ${error?.value}`);
  return JSON.parse(stdout) as number[];
}
