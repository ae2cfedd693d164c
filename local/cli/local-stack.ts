/**
 * The product on this machine: build, synthesize, stand the assembly up, fill the pool, make the
 * first key. What `npm start` and the end-to-end tests have in common.
 */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { type AwsWorld, startAwsWorld } from '../assembly/world.ts';
import type { ImageChoice } from '../sandboxes/built-image.ts';
import { createTaskDriver, type Isolation } from '../sandboxes/create.ts';
import { messageOf } from '../sandboxes/errors.ts';
import { behaviourOf, type ProfileOptions, TASK_BOOT_MS } from '../services/profile.ts';
import { IMAGE_PLACES } from './build/paths.ts';
import { build } from './build.ts';
import { makeFolder, portError, takeFolder } from './claims.ts';
import { describeRuntimes } from './runtimes.ts';
import { synthesize } from './synth.ts';

export interface LocalStackOptions {
  /** 0 is any free port. */
  readonly port: number;
  /** Holds the assembly, the data and endpoints.json. */
  readonly directory: string;
  /** False: tables and objects end with the stack. */
  readonly persist: boolean;
  readonly pool: number;
  readonly isolation: Isolation;
  /** Whose runtimes sandboxes have. @default 'auto' */
  readonly image?: ImageChoice;
  /** Function → variable → value, over the template's. */
  readonly environmentOverrides?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How the stand-ins behave; by default `fast`. */
  readonly aws?: ProfileOptions;
  /** Waits before the retries of an asynchronous event; as on AWS, minutes, unless a test says else. */
  readonly asyncRetryDelaysMs?: readonly number[];
  /** Aborted: the start is given up at its next step, and its reason thrown. */
  readonly signal?: AbortSignal;
  /** Progress, a line at a time. */
  readonly progress: (line: string) => void;
  /** Lines of functions and stand-ins. */
  readonly log: (source: string, line: string) => void;
}

/** What `endpoints.json` says; 0600, because of the key and the control token. */
export interface Endpoints {
  readonly baseUrl: string;
  readonly websocketUrl: string | undefined;
  readonly apiKey: string;
  readonly pid: number;
  readonly controlUrl: string;
  readonly controlToken: string;
}

export interface LocalStack extends AsyncDisposable {
  readonly endpoints: Endpoints;
  readonly world: AwsWorld;
  /** Lets what runs end for `graceMs`, then ends everything. */
  close(graceMs?: number): Promise<void>;
}

/** Workers started before the first request: those on the way of create and execute, by REST and by WebSocket. */
const PREWARMED = {
  authorizer: 1,
  sandboxes: 1,
  executions: 1,
  socket: 1,
  relay: 1,
  'agent-gateway': 2,
  pool: 1,
  'task-events': 1,
  lifecycle: 2,
};
/** The stack's name in the template; its functions are called `<stack>-<function>`. */
const STACK = 'code-interpreter';
const READY_WITHIN_MS = 60_000;
const POOLS_WITHIN_MS = 30_000;
/** Of what a task takes to boot, beyond that, where it does: the slowest, and some of another's. */
const BOOTS = 1.5;

/** Stands the stack up, or leaves nothing behind and throws what stopped it. */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  await using undo = new AsyncDisposableStack();
  await makeFolder(options.directory, options);
  undo.use(await takeFolder(options.directory));
  // A run that was killed has left its own.
  await rm(endpointsFile(options), { force: true });
  const world = await standUp(options, await synthesizeStack(options));
  const endpoints = await begin(options, world).catch(async (error: unknown) => {
    await world.close();
    throw error;
  });
  const claims = undo.move();
  const close = async (graceMs = 0) => {
    await rm(endpointsFile(options), { force: true });
    try {
      await world.close(graceMs);
    } finally {
      await claims.disposeAsync();
    }
  };
  return { endpoints, world, close, [Symbol.asyncDispose]: () => close() };
}

/** Answers where the assembly is. */
async function synthesizeStack({ directory, progress, pool, signal }: LocalStackOptions) {
  if (await build({ log: progress })) progress('built');
  signal?.throwIfAborted();
  const assemblyDirectory = join(directory, 'cdk.out');
  await synthesize({
    outDirectory: assemblyDirectory,
    // The validator judges templates that will be deployed; `npm run synth` runs it.
    validate: false,
    context: { profile: 'local', stackName: STACK, poolTarget: pool },
    log: progress,
  });
  signal?.throwIfAborted();
  return assemblyDirectory;
}

async function standUp(options: LocalStackOptions, assemblyDirectory: string): Promise<AwsWorld> {
  const { directory, port, isolation, image = 'auto' } = options;
  const images = { choice: image, places: IMAGE_PLACES };
  if (isolation !== 'none') options.progress(`runtimes: ${await describeRuntimes(image)}`);
  const taskDriver = await createTaskDriver({
    isolation,
    images,
    runDirectory: join(directory, 'run'),
    log: options.progress,
  });
  return startAwsWorld({
    assemblyDirectory,
    ...(options.persist ? { dataDirectory: join(directory, 'data') } : {}),
    taskDriver,
    ports: { rest: port },
    ...(options.environmentOverrides ? { environmentOverrides: options.environmentOverrides } : {}),
    asyncRetryDelaysMs: options.asyncRetryDelaysMs,
    ...(options.aws === undefined ? {} : { behaviour: behaviourOf(options.aws) }),
    log: options.log,
  }).catch(async (error: unknown) => {
    await taskDriver.close();
    throw portError(port, error);
  });
}

async function begin(options: LocalStackOptions, world: AwsWorld): Promise<Endpoints> {
  options.signal?.throwIfAborted();
  const warmed = Promise.all(
    Object.entries(PREWARMED).map(([name, count]) => world.prewarm(`${STACK}-${name}`, count)),
  );
  const baseUrl = `${world.restUrl}/v1`;
  const [apiKey] = await Promise.all([firstKey(options, world), warmed]);
  // After the functions: a large pool's agents take the whole machine while they start. On AWS the
  // minute's schedule fills the pool first.
  await world.invokeOperator(`${STACK}-pool`, { refill: true });
  await untilReady(baseUrl);
  await untilPoolsAreFull(world, options);
  options.signal?.throwIfAborted();
  const endpoints = {
    baseUrl,
    websocketUrl: world.websocketUrl,
    apiKey,
    pid: process.pid,
    controlUrl: world.controlUrl,
    controlToken: world.controlToken,
  };
  // Renamed into place: who waits for the file reads it whole, and never that of a run that was killed.
  const file = endpointsFile(options);
  await writeFile(`${file}.new`, `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return endpoints;
}

const endpointsFile = ({ directory }: LocalStackOptions) => join(directory, 'endpoints.json');

const Credentials = z.object({ tenantId: z.string(), apiKey: z.string() });
const Created = z.object({ success: z.literal(true), data: Credentials });

/** As on AWS, by a direct invoke of `account`. Kept beside the data: only its hash is in the table. */
async function firstKey(options: LocalStackOptions, world: AwsWorld): Promise<string> {
  const file = join(options.directory, 'data', 'first-key.json');
  if (options.persist) {
    const kept = await readFile(file, 'utf8').catch(() => undefined);
    if (kept) return Credentials.parse(JSON.parse(kept)).apiKey;
  }
  const answer = await world.invokeOperator(`${STACK}-account`, {
    action: 'createTenant',
    name: 'local',
  });
  const { data } = Created.parse(answer);
  if (options.persist) await writeFile(file, JSON.stringify(data), { mode: 0o600 });
  return data.apiKey;
}

async function untilReady(baseUrl: string): Promise<void> {
  const until = Date.now() + READY_WITHIN_MS;
  let last = 'no answer';
  while (Date.now() < until) {
    const response = await fetch(`${baseUrl}/ready`).catch(() => undefined);
    if (response?.ok) return;
    if (response) last = `${response.status} ${await response.text()}`;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the API did not become ready within ${READY_WITHIN_MS} ms: ${last}`);
}

const Levels = z.object({
  pools: z.array(z.object({ network: z.string(), target: z.number(), free: z.number() })),
});

/** The first sandboxes are to be warm. What does not come in time only makes them slower. */
async function untilPoolsAreFull(
  world: AwsWorld,
  { progress, signal, aws }: LocalStackOptions,
): Promise<void> {
  const bootMs = aws?.profile === 'aws' ? (aws.taskBootMs ?? TASK_BOOT_MS) : 0;
  const until = Date.now() + POOLS_WITHIN_MS + BOOTS * bootMs;
  let said = '';
  while (Date.now() < until) {
    signal?.throwIfAborted();
    // A look that fails is one that found the pool not full: it must not end a start.
    const answer = await world
      .invokeOperator(`${STACK}-pool`, { task: 'level' })
      .catch((error: unknown) => void (said = `: ${messageOf(error)}`));
    const levels = Levels.safeParse(answer);
    if (levels.success) {
      const { pools } = levels.data;
      if (pools.every(({ target, free }) => free >= target)) return;
      said = pools
        .map(({ network, free, target }) => `; ${network}: ${free} of ${target}`)
        .join('');
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  progress(`the warm pool is not full yet, and goes on filling${said}`);
}

/** A folder of its own for a stack that leaves nothing behind. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'code-interpreter-stack-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
