/**
 * `npm test`: sets the machine up, builds once, runs the suite, prints the count. Arguments go to
 * vitest. Where nothing can be isolated, the tests that need it are left out loudly; in CI that is
 * a failure.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import { probe } from '../sandboxes/probe.ts';
import { build } from './build.ts';
import { ensureHost } from './setup.ts';

const NEED_ISOLATION = ['test/e2e/**', 'test/contract/sandboxes/**', 'test/contract/launcher/**'];

const Report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
});

const log = (line: string) => process.stderr.write(`${line}\n`);

async function main(args: string[]): Promise<number> {
  await ensureHost({ allow: !args.includes('--no-setup'), log });
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
    const left = isolation.possible ? [] : NEED_ISOLATION.map((path) => `--exclude=${path}`);
    return await runVitest([...args.filter((arg) => arg !== '--no-setup'), ...left], scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function runVitest(args: string[], scratch: string): Promise<number> {
  const report = join(scratch, 'report.json');
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
    { stdio: 'inherit' },
  );
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text !== undefined) {
    const { numPassedTests, numFailedTests, numPendingTests } = Report.parse(JSON.parse(text));
    console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
  }
  return status ?? 1;
}

process.exit(await main(process.argv.slice(2)));
