/**
 * The process of an agent in the shape that this run asks for: on this machine as it is, in the root of the built
 * image as a local sandbox has it, or in a container of Fargate's shape. `npm test -- --shape` writes the facts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ContainerDefinition } from './oci-spec.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

interface BuiltFacts {
  /** Unpacked image, and the docker context that it was built from. */
  readonly root: string;
  readonly context: string;
}

export type ShapeFacts =
  | { readonly shape: 'host' }
  | ({ readonly shape: 'image' } & BuiltFacts)
  | ({ readonly shape: 'container' } & BuiltFacts & {
        readonly cpu: number;
        readonly memoryMb: number;
        readonly container: ContainerDefinition;
      });

export const shape: ShapeFacts =
  process.env['AGENT_SHAPE'] === undefined
    ? { shape: 'host' }
    : (JSON.parse(readFileSync(process.env['AGENT_SHAPE'], 'utf8')) as ShapeFacts);

export interface AgentRequest {
  /** Which the agent sees at the same path; the first is the test's own. */
  readonly folders: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
}

export interface AgentProcess extends AsyncDisposable {
  /** All that it writes. */
  readonly output: readonly Readable[];
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Undefined: the port that it says is this machine's. */
  readonly baseUrl: string | undefined;
  /** Of the agent itself, on this machine. */
  pid(): number | undefined;
  terminate(): void;
  kill(): void;
}

/** Libraries that are loaded ahead are a second of a processor for each agent: the test of it says otherwise. */
export const NOTHING_AHEAD = { AGENT_PRELOAD_QUIET_MS: String(2 ** 31 - 1) };

/** From the sources, with nothing around it. */
export function startOnHost({ environment }: AgentRequest): AgentProcess {
  const child = spawn(process.execPath, [join(root, 'containers/agent/main.ts')], {
    env: { ...NOTHING_AHEAD, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return {
    output: [child.stdout, child.stderr],
    exited: once(child, 'exit').then(([code, signal]) => ({ code, signal })),
    baseUrl: undefined,
    pid: () => child.pid,
    terminate: () => void child.kill('SIGTERM'),
    kill: () => void child.kill('SIGKILL'),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

/** What a process is called on this machine that is called `inside` where the agent is. */
export function pidOutside(agentPid: number, inside: number): number | undefined {
  const namespace = (pid: number | string) => readlinkSync(`/proc/${pid}/ns/pid`);
  const found = readdirSync('/proc').find((pid) => {
    try {
      const names = /^NSpid:\s+(.+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      return (
        names?.split(/\s+/).at(-1) === String(inside) && namespace(pid) === namespace(agentPid)
      );
    } catch {
      return false;
    }
  });
  return found === undefined ? undefined : Number(found);
}
