/** `npm run bench`: measures a running deployment from outside, as a client sees it. */
import { parseArgs } from 'node:util';
import { CodeInterpreter } from '../sdk/typescript/src/index.ts';
import type { Measure, Row } from './measure.ts';
import { burst } from './measures/burst.ts';
import { contexts } from './measures/contexts.ts';
import { execute } from './measures/execute.ts';
import { expiry } from './measures/expiry.ts';
import { firstByte } from './measures/first-byte.ts';
import { firstCell } from './measures/first-cell.ts';
import { flood } from './measures/flood.ts';
import { idle } from './measures/idle.ts';
import { interpreters } from './measures/interpreters.ts';
import { readers } from './measures/readers.ts';
import { stream } from './measures/stream.ts';
import { tti } from './measures/tti.ts';
import { type Failure, report, table } from './report.ts';
import { BenchError, findTarget } from './target.ts';

const MEASURES: readonly Measure[] = [
  tti,
  execute,
  contexts,
  interpreters,
  firstCell,
  firstByte,
  stream,
  flood,
  readers,
  burst,
  expiry,
  idle,
];
const BUDGET_MS = 120_000;
/** A run that was begun in time and does not end: the measure fails. */
const OVERTIME_MS = 60_000;
const MAX_RUNS = 10_000;

const HELP = `npm run bench -- [names] [options]

Measures a deployment that is running: the one of \`npm start\` here, or the one named.

${MEASURES.map(({ name, summary, runs }) => `  ${name.padEnd(12)}${summary} (${runs} runs)`).join('\n')}

  --base-url URL    such as http://127.0.0.1:8080/api/v1, with --api-key
  --api-key KEY     both also from CODE_INTERPRETER_BASE_URL and CODE_INTERPRETER_API_KEY
  --websocket-url URL   such as wss://….execute-api.….amazonaws.com/ws, beside these two
  --endpoints FILE  what \`npm start\` wrote (default .local/endpoints.json)
  --runs N          instead of each measure's own number, 1 to ${MAX_RUNS}
  --json            the same as JSON
  --help            this

No measure begins a further run after ${BUDGET_MS / 1000} s, and ${OVERTIME_MS / 1000} s later it has failed. Run it on a quiet machine.`;

const OPTIONS = {
  'base-url': { type: 'string' },
  'api-key': { type: 'string' },
  'websocket-url': { type: 'string' },
  endpoints: { type: 'string', default: '.local/endpoints.json' },
  runs: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

async function main(): Promise<void> {
  const { values, positionals } = readArgs();
  if (values.help) return console.log(HELP);
  const measures = chosen(positionals);
  const runs = runsOf(values.runs);
  const target = await findTarget({
    baseUrl: values['base-url'],
    apiKey: values['api-key'],
    websocketUrl: values['websocket-url'],
    endpoints: values.endpoints,
  });
  const { baseUrl, apiKey } = target;
  // Figures are of one way each: the WebSocket has a measure of its own.
  const client = new CodeInterpreter({ baseUrl, apiKey, transport: 'sse' });
  const rows: Row[] = [];
  const failures: Failure[] = [];
  for (const { name, runs: ownRuns, run } of measures) {
    process.stderr.write(`${name} …\n`);
    try {
      const signal = AbortSignal.timeout(BUDGET_MS + OVERTIME_MS);
      const bench = { client, target, runs: runs ?? ownRuns, budgetMs: BUDGET_MS, signal };
      rows.push(...(await run(bench)));
    } catch (error) {
      failures.push({ name, message: messageOf(error) });
    }
  }
  const all = report(target, rows, failures);
  console.log(values.json ? JSON.stringify(all, null, 2) : table(all));
  if (failures.length > 0) process.exitCode = 1;
}

function readArgs() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new BenchError(`${messageOf(error)}. See --help.`);
  }
}

function chosen(names: readonly string[]): readonly Measure[] {
  const unknown = names.find((name) => !MEASURES.some((measure) => measure.name === name));
  if (unknown !== undefined) {
    const known = MEASURES.map(({ name }) => name).join(', ');
    throw new BenchError(`"${unknown}" is no measure: ${known}.`);
  }
  return names.length === 0 ? MEASURES : MEASURES.filter(({ name }) => names.includes(name));
}

function runsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const runs = Number(text);
  if (Number.isInteger(runs) && runs >= 1 && runs <= MAX_RUNS) return runs;
  throw new BenchError(`--runs must be a whole number from 1 to ${MAX_RUNS}, got "${text}".`);
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

try {
  await main();
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
