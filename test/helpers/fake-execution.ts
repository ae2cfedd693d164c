/** The fake API's executions: a log that a test writes to, and its bytes, cut where it is asked. */
import type { ServerResponse } from 'node:http';

export const AT = '2030-01-01T00:00:00.000Z';

/** What stands in the log, without seq and time, which the fake stamps. */
export type Scripted = { type: string } & Record<string, unknown>;
export type Logged = Scripted & { seq: number; at: string };

/** One connection that carries events is cut after so many body bytes. */
export interface Cut {
  readonly afterBytes: number;
  /** `reset` tears the connection, `end` closes the answer as if it were whole. */
  readonly how: 'reset' | 'end';
}

/** One execution: a log that a test writes to, read by any number of requests. */
export class FakeExecution {
  readonly id: string;
  readonly log: Logged[] = [];
  interrupted = false;
  readonly #waiting = new Set<() => void>();

  constructor(id: string) {
    this.id = id;
  }

  emit(...events: Scripted[]): void {
    for (const event of events) this.log.push({ seq: this.log.length + 1, at: AT, ...event });
    for (const wake of this.#waiting) wake();
  }

  finish(outcome = 'ok'): void {
    const exitCode = outcome === 'ok' ? 0 : 1;
    this.emit({ type: 'finished', outcome, exitCode, metrics: { wallMs: 1 } });
  }

  get finished(): boolean {
    return this.log.at(-1)?.type === 'finished';
  }

  /** Resolves once there is more than `after`, or the time is over. */
  more(after: number, ms: number): Promise<void> {
    if (this.log.length > after) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
    });
  }
}

export const started = (execution: FakeExecution): Scripted => ({
  type: 'started',
  executionId: execution.id,
});
export const sse = (event: Logged): string =>
  `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** Writes, up to the cut; false once the answer is cut. */
export async function write(
  response: ServerResponse,
  bytes: Buffer,
  cut: Cut | undefined,
): Promise<boolean> {
  const isCut = cut !== undefined && cut.afterBytes < bytes.length;
  const part = isCut ? bytes.subarray(0, cut.afterBytes) : bytes;
  // The callback comes when the bytes are handed to the system, so that a reset comes after them.
  await new Promise<void>((resolve) => {
    if (part.length === 0) resolve();
    else response.write(part, () => resolve());
  });
  if (isCut && cut.how === 'reset') response.socket?.resetAndDestroy();
  if (isCut && cut.how === 'end') response.end();
  return !isCut && !response.destroyed;
}
