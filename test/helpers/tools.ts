/** The operator's commands, and proofs, as whoever types them has them: processes of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Target } from '../e2e/global-setup.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Told {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Ends it by this signal once it says this. */
  readonly endAt?: { readonly sign: string; readonly signal: NodeJS.Signals };
}

/** With no credentials, settings or instance of this machine but what `env` gives. */
const BARE = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  AWS_EC2_METADATA_DISABLED: 'true',
};

export const tool = (name: string, args: readonly string[], options?: ToolOptions): Promise<Told> =>
  run(join('tools', name, 'main.ts'), args, options);

/** Of `verify/`. */
export const proof = (name: string, args: readonly string[]): Promise<Told> =>
  run(join('verify', name, 'main.ts'), args);

async function run(
  program: string,
  args: readonly string[],
  { env = {}, endAt }: ToolOptions = {},
): Promise<Told> {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: root,
    env: { ...BARE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (text) => {
      const before = said[stream];
      said[stream] += text;
      const isSign = endAt && !before.includes(endAt.sign) && said[stream].includes(endAt.sign);
      if (isSign) child.kill(endAt.signal);
    });
  }
  const [code] = await once(child, 'close');
  return { code, ...said };
}

/** What `npm start` writes, of a stack that a test has. */
async function endpointsFile(
  stack: Readonly<Record<string, unknown>>,
): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'code-interpreter-tools-'));
  const path = join(folder, 'endpoints.json');
  await writeFile(path, JSON.stringify(stack), { mode: 0o600 });
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** The stack of the scenarios, for `--local --endpoints`. */
export function endpointsOf(target: Target) {
  return endpointsFile({
    baseUrl: target.baseUrl,
    apiKey: target.apiKey,
    controlUrl: target.control?.url,
    controlToken: target.control?.token,
    websocketUrl: target.websocketUrl,
  });
}
