/**
 * Runs each program in sandboxes of a local deployment, one after the other, and reckons from what
 * was counted what a thousand of them cost.
 */
import { CodeInterpreter } from '../../sdk/typescript/src/index.ts';
import type { Target } from '../target.ts';
import { PROGRAMS, type ProgramName } from './programs.ts';
import { type BilledLine, bill, Meter } from './usage.ts';

/** Of a task on Fargate, billed from the pull of its image on. */
const BOOT_SECONDS = 45;
const THOUSAND = 1_000;

export interface ProgramCost {
  readonly program: ProgramName;
  /** For a thousand sandboxes. */
  readonly lines: readonly BilledLine[];
}

export interface CostOptions {
  readonly target: Target;
  /** How long each program runs, and so its sandbox lives. */
  readonly seconds: number;
  readonly runs: number;
}

export async function measureCosts({ target, seconds, runs }: CostOptions): Promise<ProgramCost[]> {
  const client = new CodeInterpreter({
    baseUrl: target.baseUrl,
    apiKey: target.apiKey,
    transport: 'sse',
  });
  const costs: ProgramCost[] = [];
  for (const program of Object.keys(PROGRAMS) as ProgramName[]) {
    process.stderr.write(`${program}, ${runs} × ${seconds} s …\n`);
    const meter = new Meter(target);
    await meter.begin();
    let outputBytes = 0;
    for (let run = 0; run < runs; run += 1) {
      outputBytes += await runOnce(client, PROGRAMS[program](seconds), seconds);
    }
    const usage = await meter.read();
    const taskSeconds = runs * (seconds + BOOT_SECONDS);
    const scale = THOUSAND / runs;
    const lines = bill({ usage, taskSeconds, outputBytes }).map((line) => ({
      ...line,
      amount: line.amount * scale,
      usd: line.usd * scale,
    }));
    costs.push({ program, lines });
  }
  return costs;
}

/** Answers how many bytes of output came. */
async function runOnce(client: CodeInterpreter, code: string, seconds: number): Promise<number> {
  let bytes = 0;
  await using sandbox = await client.createSandbox({
    runtime: 'python',
    lifetimeMs: (seconds + 60) * 1000,
  });
  await sandbox.execute(code, {
    timeoutMs: (seconds + 30) * 1000,
    onStdout: (text) => {
      bytes += text.length;
    },
  });
  return bytes;
}

/** As docs/costs.md holds it. */
export function costTable(costs: readonly ProgramCost[]): string {
  const [first] = costs;
  if (!first) return '';
  const amount = (value: number) =>
    value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(2);
  const usd = (value: number) => value.toFixed(3);
  const total = (lines: readonly BilledLine[]) => lines.reduce((sum, line) => sum + line.usd, 0);
  const rows = first.lines.map(({ what }, at) => {
    const cells = costs.map(({ lines }) => lines[at]);
    return `| ${what} | ${cells
      .map((cell) => `${amount(cell?.amount ?? 0)} | ${usd(cell?.usd ?? 0)}`)
      .join(' | ')} |`;
  });
  return [
    `| a thousand sandboxes | ${costs.map(({ program }) => `${program} | $`).join(' | ')} |`,
    `|---|${'--:|--:|'.repeat(costs.length)}`,
    ...rows,
    `| **together** | ${costs.map(({ lines }) => ` | **${usd(total(lines))}**`).join(' | ')} |`,
  ].join('\n');
}
