/** `npm start` as whoever types it has it: a process of its own, told by signals, heard by its lines. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { awsProfile } from './aws-profile.ts';
import { familyOf, listenersOf, tracesOf } from './host.ts';

const PROGRAM = fileURLToPath(new URL('../../local/cli/start.ts', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Spawned {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has said so far. */
  readonly said: { stdout: string; stderr: string };
}

export function spawnStart(args: readonly string[]): Spawned {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => {
    said.stdout += text;
  });
  child.stderr.on('data', (text) => {
    said.stderr += text;
  });
  return { child, said, ended: once(child, 'close').then(([code]) => ({ code, ...said })) };
}

/** A start that is expected to end by itself. */
export async function runStart(...args: string[]): Promise<Ended> {
  return spawnStart(args).ended;
}

export interface RunningStack extends AsyncDisposable {
  readonly pid: number;
  readonly baseUrl: string;
  readonly websocketUrl: string;
  readonly apiKey: string;
  readonly said: { stdout: string; stderr: string };
  /** Everything that it has on this machine now. */
  readonly belongings: () => Belongings;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>;
  call(path: string, body?: unknown, method?: string): Promise<Reply>;
  /** A sandbox that runs, from the pool or launched. */
  create(): Promise<string>;
}

export interface Reply {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- an answer is untyped until it is asserted
  readonly data: any;
}

export interface Belongings {
  readonly processes: ReturnType<typeof familyOf>;
  readonly listeners: ReturnType<typeof listenersOf>;
  readonly traces: string[];
}

/** Starts on a free port and waits until it says that it is ready. */
export async function startStack(directory: string, ...args: string[]): Promise<RunningStack> {
  const { profile, seed, taskBootMs } = awsProfile;
  const fixed = ['--port', '0', '--data', directory, '--no-setup'];
  if (profile === 'aws')
    fixed.push('--aws-profile', profile, '--seed', `${seed}`, '--task-boot-ms', `${taskBootMs}`);
  const { child, ended, said } = spawnStart([...fixed, ...args]);
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  // Printed after everything else.
  child.stdout?.on('data', () => {
    if (said.stdout.includes('-X DELETE')) resolve();
  });
  const early = ended.then(({ code, stderr }) => {
    throw new Error(`npm start ended with ${code} before it was ready: ${stderr}`);
  });
  await Promise.race([ready, early]);
  early.catch(() => {});
  const file = join(directory, 'endpoints.json');
  const { baseUrl, websocketUrl, apiKey, pid } = JSON.parse(readFileSync(file, 'utf8'));
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  const call = async (
    path: string,
    body?: unknown,
    method = body === undefined ? 'GET' : 'POST',
  ): Promise<Reply> => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: { 'X-API-Key': apiKey, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { data, error } = (await response.json()) as { data?: unknown; error?: unknown };
    return { status: response.status, data: data ?? error };
  };
  return {
    pid,
    baseUrl,
    websocketUrl,
    apiKey,
    said,
    belongings: () => ({
      processes: familyOf(pid),
      listeners: listenersOf(pid),
      traces: tracesOf(pid, directory),
    }),
    end,
    call,
    create: async () => {
      const created = await call('/sandboxes', { runtime: 'python' });
      const { id } = created.data;
      while ((await call(`/sandboxes/${id}`)).data.status === 'creating')
        await new Promise((resolve) => setTimeout(resolve, 25));
      return id;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) await end('SIGKILL');
    },
  };
}

export const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
