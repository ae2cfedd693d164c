/** What a measure is: a name, what it does in a line, how often by default, and the rows it gives. */
import type { CodeInterpreter, Sandbox } from '../sdk/typescript/src/index.ts';
import type { Target } from './target.ts';

export interface Row {
  /** `execute sse` */
  readonly name: string;
  readonly unit: 'ms' | 'MB/s' | 'MiB' | 'events';
  readonly samples: readonly number[];
  readonly note?: string;
}

export interface Bench {
  readonly client: CodeInterpreter;
  readonly target: Target;
  readonly runs: number;
  /** A measure begins no further run after this. */
  readonly budgetMs: number;
  /** Ends what is still under way long after that. */
  readonly signal: AbortSignal;
}

export interface Measure {
  readonly name: string;
  readonly summary: string;
  readonly runs: number;
  readonly run: (bench: Bench) => Promise<Row[]>;
}

/** A sandbox for one measure, with the kernel awake; it ends by itself if the bench dies. */
export async function warmSandbox({ client, signal }: Bench): Promise<Sandbox> {
  const sandbox = await client.createSandbox({
    runtime: 'python',
    lifetimeMs: 10 * 60_000,
    signal,
  });
  for (let i = 0; i < 3; i += 1) await sandbox.execute('1+1', { signal });
  return sandbox;
}
