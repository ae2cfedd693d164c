/**
 * One run as its caller sees it: started when reading begins, read to `finished`, interrupted when
 * the caller's signal aborts. Leaving the loop early only stops the reading.
 */
import type { Event } from '../../../../contract/events.ts';
import type { Api } from '../transport/http.ts';
import { call } from '../transport/retry.ts';
import { within } from '../transport/timing.ts';
import { type Followed, follow } from './follow.ts';
import { lateId, type StartInput, start } from './start.ts';

export interface RunInput extends Pick<StartInput, 'sandboxId' | 'body'> {
  readonly idempotencyKey: string | undefined;
}

export async function* run(
  api: Api,
  { idempotencyKey = crypto.randomUUID(), ...input }: RunInput,
  signal: AbortSignal | undefined,
): AsyncGenerator<Event, void> {
  signal?.throwIfAborted();
  const reading = new AbortController();
  const started = start(api, { ...input, idempotencyKey, signal: reading.signal });
  let interrupted: Promise<void> | undefined;
  const onAbort = () => {
    interrupted = stop(api, { started, reading, reason: signal?.reason });
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const event of follow(api, await started, reading.signal)) {
      signal?.throwIfAborted();
      yield event;
    }
  } catch (error) {
    await interrupted;
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

interface Stopping {
  readonly started: Promise<Followed>;
  readonly reading: AbortController;
  readonly reason: unknown;
}

/** Ends the reading and the run. A start under way is waited for: without its id nothing ends it. */
async function stop(api: Api, { started, reading, reason }: Stopping): Promise<void> {
  const { interruptMs } = api.timing;
  const executionId = await lateId(started, interruptMs);
  reading.abort(reason);
  if (executionId === undefined) return;
  const asked = call(api, 'interrupt', { params: { executionId } }).catch(() => undefined);
  // The caller gets the reason of its own signal: an interrupt that came too late changes nothing.
  await within(asked, interruptMs);
}
