/**
 * `npm test`: sets the machine up, builds once, runs the suite, prints the count. Arguments go to
 * vitest, less our own: `--aws-profile aws` and `--seed N` run the end-to-end scenarios on stand-ins that behave like
 * AWS. Where nothing can be isolated, the tests that need it are left out loudly; in CI that is
 * a failure. With `--shape host,image,container` it runs the agent's tests on each, and no others.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import { probe } from '../sandboxes/probe.ts';
import { build } from './build.ts';
import { ensureHost, REQUIRED_BY_TESTS } from './setup.ts';
import { prepareShape, SHAPES, type Shape, ShapeError } from './shapes.ts';

const NEED_ISOLATION = ['test/e2e/**', 'test/contract/sandboxes/**', 'test/contract/launcher/**'];
const TESTS_OF_SHAPES = ['--project', 'contract', 'test/contract/agent/'];

const Report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
});

interface Run {
  readonly status: number;
  readonly count: string;
}

const log = (line: string) => process.stderr.write(`${line}\n`);

async function main(args: string[]): Promise<number> {
  const allowSetup = !args.includes('--no-setup');
  const { shapes, rest } = takeShapes(withoutOurs(args));
  await ensureHost({ allow: allowSetup, log, packages: REQUIRED_BY_TESTS });
  await build({ log });
  const scratch = await mkdtemp(join(tmpdir(), 'code-interpreter-test-'));
  try {
    const isolation = await probe({ runDirectory: scratch, log });
    if (!isolation.possible) {
      log(
        `this machine cannot isolate code: ${isolation.reason}\n  what to do: ${isolation.remedy}`,
      );
      if (process.env['CI']) return 1;
      log(`LEFT OUT: ${NEED_ISOLATION.join(' ')}`);
    }
    if (shapes.length > 0) return await runShapes(shapes, rest, { scratch, allowSetup });
    const left = isolation.possible ? [] : NEED_ISOLATION.map((path) => `--exclude=${path}`);
    const { status, count } = await runVitest([...rest, ...left], scratch);
    console.log(count);
    return status;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Taken out of the arguments and into the environment, where the scenarios' own start reads them. */
const OURS: Readonly<Record<string, string>> = {
  '--aws-profile': 'AWS_PROFILE_OF_STAND_INS',
  '--seed': 'SEED_OF_STAND_INS',
};

function withoutOurs(args: readonly string[]): string[] {
  const rest: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const [name = '', inline] = (args[index] ?? '').split('=', 2);
    const variable = OURS[name];
    if (variable !== undefined) process.env[variable] = inline ?? args[(index += 1)] ?? '';
    else if (name !== '--no-setup') rest.push(args[index] ?? '');
  }
  return rest;
}

function takeShapes(args: string[]): { shapes: Shape[]; rest: string[] } {
  const at = args.indexOf('--shape');
  if (at === -1) return { shapes: [], rest: args };
  const names = (args[at + 1] ?? '').split(',');
  const shapes = SHAPES.filter((shape) => names.includes(shape));
  if (names.some((name) => !shapes.some((shape) => shape === name))) {
    throw new Error(`--shape takes ${SHAPES.join(', ')}, or several of them with commas between`);
  }
  return { shapes, rest: args.toSpliced(at, 2) };
}

async function runShapes(
  shapes: readonly Shape[],
  rest: readonly string[],
  { scratch, allowSetup }: { scratch: string; allowSetup: boolean },
): Promise<number> {
  const tests = rest.length > 0 ? rest : TESTS_OF_SHAPES;
  const lines: string[] = [];
  let worst = 0;
  for (const shape of shapes) {
    try {
      const file = await prepareShape({ shape, directory: scratch, allowSetup, log });
      const { status, count } = await runVitest(tests, scratch, { AGENT_SHAPE: file });
      lines.push(`${shape}: ${count}`);
      worst = Math.max(worst, status);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      lines.push(`${shape}: LEFT OUT, ${error.message}`);
      worst = Math.max(worst, 1);
    }
  }
  console.log(lines.join('\n'));
  return worst;
}

async function runVitest(
  args: readonly string[],
  scratch: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const report = join(scratch, 'report.json');
  await rm(report, { force: true });
  const manifest = createRequire(import.meta.url).resolve('vitest/package.json');
  const { status } = spawnSync(
    process.execPath,
    [
      join(dirname(manifest), 'vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...args,
    ],
    { stdio: 'inherit', env: { ...process.env, ...environment } },
  );
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) return { status: status ?? 1, count: 'no test was run' };
  const { numPassedTests, numFailedTests, numPendingTests } = Report.parse(JSON.parse(text));
  return {
    status: status ?? 1,
    count: `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`,
  };
}

process.exit(await main(process.argv.slice(2)));
