/** What Lambda does to its callers beside running functions; each part absent where it is left out. */
import type { EventFate } from './async-events.ts';

export interface LambdaBehaviour {
  /** How much longer a worker takes to start that was not started ahead. */
  readonly coldStartMs?: () => number;
  /** How late an accepted event is delivered, and how often. */
  readonly eventFate?: () => EventFate;
  /** A streamed response: so many bytes as fast as they are read, the rest at this rate. */
  readonly stream?: { readonly burstBytes: number; readonly bytesPerSecond: number };
}
