/** A step of the smoke test: does one thing, and answers what it saw in a few words. */
import type { CodeInterpreter, Sandbox } from '../../sdk/typescript/src/index.ts';
import type { Api } from './api.ts';

export interface Run {
  readonly api: Api;
  readonly client: CodeInterpreter;
  /** In the metadata of what it makes, so that all of it is found again. */
  readonly id: string;
  readonly signal: AbortSignal;
  /** Once one was asked for, whether or not that was answered. */
  creates?: true;
  /** From `create` on. */
  sandbox?: Sandbox;
}

export interface Step {
  readonly name: string;
  readonly run: (run: Run) => Promise<string>;
}

export function sandboxOf({ sandbox }: Run): Sandbox {
  if (!sandbox) throw new Error('a step needs the sandbox before it is created');
  return sandbox;
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
