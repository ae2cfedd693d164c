/** What a scenario is: a small use of the deployment that fails when a right which it needs is missing. */
import type { Control } from './control.ts';
import type { Stack } from './stack.ts';

export interface Answer {
  readonly status: number;
  readonly data: Record<string, unknown>;
}

export interface CallOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly raw?: Uint8Array<ArrayBuffer> | string;
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface World {
  readonly stack: Stack;
  readonly control: Control;
  /** `<stack>-<function>`. */
  readonly functionNamed: (name: string) => string;
  /** Throws for a status that is not among the expected: 200 to 299 if none are named. */
  readonly call: (path: string, options?: CallOptions, ...expected: number[]) => Promise<Answer>;
  /** Answers the id of one that runs. */
  readonly sandbox: (options?: Record<string, unknown>) => Promise<string>;
  readonly run: (
    sandboxId: string,
    code: string,
    headers?: Readonly<Record<string, string>>,
    options?: Readonly<Record<string, unknown>>,
  ) => Promise<Answer['data']>;
  readonly untilStatus: (sandboxId: string, status: string) => Promise<Answer['data']>;
  /** Throws what the function throws. */
  readonly invoke: (name: string, payload: unknown) => Promise<unknown>;
  /** Makes the sandbox overdue: the pool's minute looks at it. */
  readonly ageSandbox: (id: string) => Promise<void>;
  readonly ageOutbox: () => Promise<void>;
  readonly outboxSize: () => Promise<number>;
  /** Rows of the WebSocket's readers. */
  readonly subscribersOf: (sandboxId: string) => Promise<number>;
  /** ARNs of those that are not told to stop. */
  readonly tasks: () => Promise<readonly string[]>;
  /** Every task of the deployment, as if their hosts were gone. */
  readonly stopTasks: () => Promise<void>;
  readonly deleteSegments: () => Promise<void>;
  /** An asynchronous invoke. */
  readonly sendEvent: (name: string, payload: unknown) => Promise<void>;
  /** Asks until the condition holds; the trial's own limit ends it. */
  readonly until: (condition: () => Promise<boolean>) => Promise<void>;
}

export interface Scenario {
  readonly name: string;
  readonly run: (world: World) => Promise<void>;
}

export function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}
