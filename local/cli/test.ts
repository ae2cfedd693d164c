/** `npm test`: sets the machine up, builds once, then runs the suite; arguments go to vitest. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from './build.ts';
import { ensureHost } from './setup.ts';

const log = (line: string) => process.stderr.write(`${line}\n`);
const args = process.argv.slice(2);
await ensureHost({ allow: !args.includes('--no-setup'), log });
await build({ log });
const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
);
const run = spawnSync(
  process.execPath,
  [vitest, 'run', ...args.filter((arg) => arg !== '--no-setup')],
  { stdio: 'inherit' },
);
process.exit(run.status ?? 1);
