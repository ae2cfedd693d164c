/**
 * Reads an execution to its end over whatever transport works: resumes at the cursor after each
 * cut, changes from streams to long polling where streams bring nothing, and gives up only after
 * long unbroken trouble. Returning means that `finished` was handed out.
 */
import * as z from 'zod/mini';
import type { Event } from '../../../../contract/events.ts';
import { type Api, readAnswer, send } from '../transport/http.ts';
import { sleep, withDeadline } from '../transport/timing.ts';
import { Cut } from './cut.ts';
import { EventLog } from './log.ts';
import { poll } from './poll.ts';
import { EVENT_STREAM, isEventStream, readStream } from './stream.ts';
import { Trouble } from './trouble.ts';

export interface Followed {
  /** Unknown until the answer's header or the `started` event names it. */
  executionId: string | undefined;
  /** The stream that the start of the run answered, if it answered one. */
  readonly first: AsyncIterable<unknown[]> | undefined;
  readonly transport: 'stream' | 'poll';
}

/** Cuts in a row without a new event after which streams are left for long polling. */
const FRUITLESS_STREAMS = 3;
/** A stream that stood this long was sound, though the code was silent. */
const SOUND_MS = 10_000;

export async function* follow(
  api: Api,
  run: Followed,
  signal: AbortSignal,
): AsyncGenerator<Event, void> {
  const log = new EventLog();
  const trouble = new Trouble(api.timing);
  let transport = run.transport;
  let source = run.first ?? attach(api, { run, log, transport, signal });
  for (;;) {
    const since = performance.now();
    let heard = false;
    try {
      for await (const batch of source) {
        heard = true;
        if (transport === 'stream') api.streams.failures = 0;
        for (const value of batch) {
          const { cursor } = log;
          const event = log.take(value);
          if (log.cursor > cursor) trouble.over();
          if (event?.type === 'started') run.executionId ??= event.executionId;
          if (event) yield event;
          if (log.finished) return;
        }
      }
      throw new Cut('ended', 'the events ended');
    } catch (error) {
      signal.throwIfAborted();
      if (heard && performance.now() - since > SOUND_MS) trouble.over();
      const pauseMs = trouble.pauseAfter(error, { executionId: run.executionId, log });
      if (transport === 'stream' && error instanceof Cut) {
        const unusable = error.kind === 'unusable';
        if (unusable) api.streams.failures += 1;
        if (unusable || trouble.failures >= FRUITLESS_STREAMS) transport = 'poll';
      }
      await sleep(pauseMs, signal);
    }
    source = attach(api, { run, log, transport, signal });
  }
}

interface Attachment {
  readonly run: Followed;
  readonly log: EventLog;
  readonly transport: 'stream' | 'poll';
  readonly signal: AbortSignal;
}

/** A new source that begins after the cursor. */
async function* attach(
  api: Api,
  { run, log, transport, signal }: Attachment,
): AsyncGenerator<unknown[], void> {
  const { executionId } = run;
  if (executionId === undefined) return; // Trouble.pauseAfter has ended the reading before.
  if (transport === 'poll') {
    yield* poll(api, { executionId, cursor: () => log.cursor, signal });
    return;
  }
  const after = String(log.cursor);
  const response = await withDeadline(api.timing.requestMs, signal, (signal) =>
    send(api, 'readEvents', {
      params: { executionId },
      query: { after },
      headers: { Accept: EVENT_STREAM, 'Last-Event-ID': after },
      signal,
    }),
  );
  if (isEventStream(response)) {
    // Silent code sends nothing but heartbeats, so the first byte may take as long as any other.
    const { silenceMs } = api.timing;
    yield* readStream(response, { firstByteMs: silenceMs, silenceMs });
  } else if (response.ok || response.status === 406 || response.status === 415) {
    await response.body?.cancel();
    throw new Cut('unusable', 'the answer is not a stream');
  } else {
    await readAnswer('readEvents', response, z.never());
  }
}
