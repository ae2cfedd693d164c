/**
 * The deployment by plain HTTP, where what travels is what is tried; elsewhere the SDK is used. Counts
 * every request of both.
 */
import { createParser } from 'eventsource-parser';
import * as z from 'zod';
import { Event } from '../../contract/events.ts';
import { Problem } from '../shared/problem.ts';
import type { Target } from './target.ts';

export interface Call {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const Answer = z.union([
  z.object({ success: z.literal(true), data: z.unknown() }),
  z.object({
    success: z.literal(false),
    error: z.object({ code: z.string(), message: z.string(), requestId: z.string().optional() }),
  }),
]);

export class Api {
  readonly #target: Target;
  requests = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  /** For the SDK, so that its requests are counted too. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    this.requests += 1;
    return globalThis.fetch(input, init);
  };

  /** @throws {Problem} for every answer that is not a success of this shape */
  async json<T>(path: string, shape: z.ZodType<T>, call: Call): Promise<T> {
    const response = await this.#send(path, call);
    const text = await response.text();
    const what = `${call.method ?? (call.body === undefined ? 'GET' : 'POST')} ${path}`;
    const answer = Answer.safeParse(jsonOf(text));
    if (!answer.success)
      throw new Problem(
        `${what} answered ${response.status} and no answer of this API: ${text.slice(0, 200)}. Does the base URL end with /api/v1?`,
      );
    if (!answer.data.success) {
      const { code, message, requestId } = answer.data.error;
      throw new Problem(
        `${what} answered ${response.status} ${code}: ${message} (request ${requestId})`,
      );
    }
    const data = shape.safeParse(answer.data.data);
    if (data.success) return data.data;
    throw new Problem(`${what} answered another shape: ${z.prettifyError(data.error)}`);
  }

  /** Events as they come; ends with the stream. */
  async *events(path: string, call: Call): AsyncGenerator<Event> {
    const headers = { ...call.headers, Accept: 'text/event-stream' };
    const response = await this.#send(path, { ...call, headers });
    if (!response.ok || !response.body)
      throw new Problem(
        `${path} answered ${response.status}: ${(await response.text()).slice(0, 500)}`,
      );
    const came: Event[] = [];
    const parser = createParser({
      onEvent: ({ event, data }) => {
        if (event !== 'end') came.push(Event.parse(jsonOf(data)));
      },
    });
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      parser.feed(text);
      yield* came.splice(0);
    }
  }

  #send(path: string, { method, body, headers, signal }: Call): Promise<Response> {
    return this.fetch(`${this.#target.baseUrl}${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        'X-API-Key': this.#target.apiKey,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    });
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
