/**
 * Server-sent events from the body of an answer. It yields what each chunk brought, an empty batch
 * for a heartbeat, and ends only by a Cut: whether the log is complete is not for it to say.
 */
import { createParser } from 'eventsource-parser';
import * as z from 'zod/mini';
import { type Api, jsonOf, readAnswer, send } from '../transport/http.ts';
import { type Timing, withDeadline, within } from '../transport/timing.ts';
import { Cut } from './cut.ts';

export const EVENT_STREAM = 'text/event-stream';
/** An event is at most a few hundred KB; more than this without an end is not a stream of ours. */
const MAX_MESSAGE_CHARS = 8 * 1024 * 1024;
/** How long a complete stream may take to close by itself, which keeps its connection for reuse. */
const CLOSE_MS = 1_000;

export function isEventStream(response: Response): boolean {
  const type = response.headers.get('content-type') ?? '';
  return response.ok && type.toLowerCase().startsWith(EVENT_STREAM);
}

export interface StreamInput {
  readonly executionId: string;
  readonly cursor: () => number;
  readonly signal: AbortSignal;
}

/** A stream of what follows the cursor. */
export async function* attachStream(
  api: Api,
  { executionId, cursor, signal }: StreamInput,
): AsyncGenerator<unknown[], void> {
  const after = String(cursor());
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

export async function* readStream(
  response: Response,
  { firstByteMs, silenceMs }: Pick<Timing, 'firstByteMs' | 'silenceMs'>,
): AsyncGenerator<unknown[], never> {
  const reader = (response.body ?? new Blob([]).stream()).getReader();
  const messages = new Messages();
  let heard = false;
  try {
    for (;;) {
      const read = reader.read().catch((cause: unknown) => {
        throw new Cut('broken', 'the stream broke off', { cause });
      });
      const chunk = await within(read, heard ? silenceMs : firstByteMs);
      if (!chunk) {
        throw new Cut(heard ? 'silent' : 'unusable', 'the stream brought nothing');
      }
      if (chunk.done) throw messages.cut();
      heard = true;
      yield messages.feed(chunk.value);
    }
  } finally {
    void release(reader, messages.complete);
  }
}

/** Bytes to the events in them. */
class Messages {
  /** True once `finished` passed by: the server closes the stream itself. */
  complete = false;
  #retryMs: number | undefined;
  #batch: unknown[] = [];
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({
    maxBufferSize: MAX_MESSAGE_CHARS,
    onEvent: ({ event, data }) => {
      if (event === 'end') return;
      const value = jsonOf(data);
      if (value === undefined) throw new Cut('broken', `a message of the stream is not JSON`);
      if (event === 'finished') this.complete = true;
      this.#batch.push(value);
    },
    onRetry: (ms) => {
      this.#retryMs = ms;
    },
    onError: ({ type, message }) => {
      if (type === 'max-buffer-size-exceeded') throw new Cut('broken', message);
    },
  });

  feed(bytes: Uint8Array): unknown[] {
    this.#batch = [];
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
    return this.#batch;
  }

  cut(): Cut {
    const retryMs = this.#retryMs;
    return new Cut('ended', 'the stream ended', retryMs === undefined ? {} : { retryMs });
  }
}

async function release(reader: ReadableStreamDefaultReader<Uint8Array>, complete: boolean) {
  const drained = async () => {
    while (!(await reader.read()).done);
  };
  try {
    if (complete) await within(drained(), CLOSE_MS);
  } catch {
    // Every event is here already; how the connection ends changes nothing.
  }
  await reader.cancel().catch(() => undefined);
}
