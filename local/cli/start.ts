/** `npm start`: the whole product on this machine, until it is stopped. */

import { randomInt } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { AssemblyError } from '../assembly/errors.ts';
import { type ImageChoice, NoBuiltImageError } from '../sandboxes/built-image.ts';
import { type Isolation, IsolationError } from '../sandboxes/create.ts';
import { AWS_PROFILES, type AwsProfile } from '../services/profile.ts';
import { checkPort, makeFolder, StartError } from './claims.ts';
import { type LocalStack, startLocalStack } from './local-stack.ts';
import { ensureHost } from './setup.ts';

interface Flags {
  readonly port: number;
  readonly data: string;
  readonly persist: boolean;
  readonly pool: number;
  readonly isolation: Isolation;
  readonly image: ImageChoice;
  readonly awsProfile: AwsProfile;
  readonly seed?: number;
  readonly taskBootMs?: number;
  readonly setup: boolean;
  readonly set: Record<string, Record<string, string>>;
}

/** What runs when the stack is told to stop has this long to end. */
const GRACE_MS = 3_000;

const whole = (min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}`);
};

/** `function.NAME=value`, gathered by function. */
function setting(text: string, before: Flags['set']): Flags['set'] {
  const [, name, variable, value] = /^([A-Za-z-]+)\.([A-Z_]+)=(.*)$/.exec(text) ?? [];
  if (!name || !variable || value === undefined) {
    throw new InvalidArgumentError('must be function.NAME=value, such as relay.RELAY_LIFE_MS=5000');
  }
  return { ...before, [name]: { ...before[name], [variable]: value } };
}

const program = new Command('npm start --')
  .description(
    'Run the whole platform on this machine: the synthesized template on stand-ins for AWS.',
  )
  .option('--port <n>', 'port of the API; 0 is any free one', whole(0, 65_535), 8080)
  .option('--data <folder>', 'assembly, tables, objects and endpoints.json', '.local')
  .option('--no-persist', 'keep tables and objects only while it runs')
  .option('--pool <n>', 'sandboxes kept warm', whole(0, 200), 2)
  .addOption(
    new Option('--isolation <how>', 'what isolates a sandbox; none runs code as this user')
      .choices(['auto', 'bwrap', 'none'])
      .default('auto'),
  )
  .addOption(
    new Option('--image <whose>', 'runtimes of sandboxes: those of `npm run image`, or this host’s')
      .choices(['auto', 'host', 'built'])
      .default('auto'),
  )
  .addOption(
    new Option(
      '--aws-profile <name>',
      'how the stand-ins behave: at once, or with the delays, throttles and doubles of AWS',
    )
      .choices(AWS_PROFILES)
      .default('fast'),
  )
  .option(
    '--seed <n>',
    'where chance starts in profile aws; printed, so that a run can be repeated',
    whole(0, 2 ** 31),
  )
  .option(
    '--task-boot-ms <n>',
    'what a task takes to boot in profile aws (default: 30000)',
    whole(0, 600_000),
  )
  .option('--no-setup', 'do not install missing packages')
  .option(
    '--set <function.NAME=value>',
    'environment of a function, over the template',
    setting,
    {},
  )
  .allowExcessArguments(false);

async function main(): Promise<void> {
  const flags = program.parse().opts<Flags>();
  const begun = performance.now();
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  if (!(await ensureHost({ allow: flags.setup, log: progress }))) {
    process.exitCode = 1;
    return;
  }
  await checkPort(flags.port);
  const directory = resolve(flags.data);
  await makeFolder(directory, flags);
  const logFile = join(directory, 'functions.log');
  const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
  const aws = profileOf(flags);
  if (aws.profile === 'aws') progress(`stand-ins in profile aws, seed ${aws.seed}`);
  const stop = new AbortController();
  const stopped = whenTold(stop, progress);
  const stack = await startLocalStack({
    ...flags,
    signal: stop.signal,
    directory,
    environmentOverrides: flags.set,
    aws,
    progress,
    log: (source, line) => log.write(`${source}: ${line}\n`),
  });
  progress(
    `ready in ${((performance.now() - begun) / 1000).toFixed(1)} s; logs in ${relative('.', logFile) || logFile}`,
  );
  progress(`WebSocket at ${stack.endpoints.websocketUrl}`);
  process.stdout.write(`${firstLines(stack)}\n`);
  await stopped;
  await stack.close(GRACE_MS);
  process.exit(0);
}

const profileOf = ({ awsProfile, seed, taskBootMs }: Flags) => ({
  profile: awsProfile,
  seed: seed ?? randomInt(2 ** 31),
  taskBootMs,
});

/** Five lines that run code, whole as they stand. */
function firstLines({ endpoints: { baseUrl, apiKey } }: LocalStack): string {
  return [
    `export URL=${baseUrl} KEY=${apiKey}`,
    `curl -s $URL/sandboxes -H "X-API-Key: $KEY" -H 'Content-Type: application/json' -d '{"runtime":"python"}'`,
    `export SB=$(curl -s $URL/sandboxes -H "X-API-Key: $KEY" | grep -o 'sb[a-z0-9]\\{20\\}' | head -1)`,
    `curl -sN $URL/sandboxes/$SB/execute -H "X-API-Key: $KEY" -H 'Content-Type: application/json' -d '{"code":"print(6 * 7)"}'`,
    `curl -s -X DELETE $URL/sandboxes/$SB -H "X-API-Key: $KEY"`,
  ].join('\n');
}

/** Resolves, and aborts a start that still goes on, when the process is told to end. */
function whenTold(stop: AbortController, progress: (line: string) => void): Promise<void> {
  return new Promise((resolve) => {
    const end = (signal: string) => {
      // A second signal does not wait any longer.
      if (stop.signal.aborted) process.exit(1);
      progress(`${signal}: stopping`);
      stop.abort(new StartError(`${signal} came before the stack was ready`));
      resolve();
    };
    process.on('SIGTERM', () => end('SIGTERM'));
    process.on('SIGINT', () => end('SIGINT'));
  });
}

/** Of what somebody can put right the message says all. */
function fail(error: unknown): never {
  const known =
    [StartError, IsolationError, NoBuiltImageError, AssemblyError].some(
      (kind) => error instanceof kind,
    ) ||
    (error instanceof Error && 'code' in error);
  const text = error instanceof Error ? (known ? error.message : error.stack) : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

main().catch(fail);
