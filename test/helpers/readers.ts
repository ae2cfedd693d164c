/** Readers of an execution's events that can be cut anywhere, by SSE and by long poll. */
import { createParser } from 'eventsource-parser';

export interface SeenEvent {
  readonly seq: number;
  readonly type: string;
  readonly text?: string;
  readonly outcome?: string;
}

export interface Source {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly executionId: string;
}

/** Reads after a cursor until the stream ends or `maxBytes` have come; answers the whole events among them. */
export async function readBySse(
  source: Source,
  after: number,
  maxBytes: number,
): Promise<SeenEvent[]> {
  const cut = new AbortController();
  const response = await fetch(`${source.baseUrl}/executions/${source.executionId}/events`, {
    headers: {
      'X-API-Key': source.apiKey,
      Accept: 'text/event-stream',
      'Last-Event-ID': String(after),
    },
    signal: cut.signal,
  });
  if (!response.ok || !response.body)
    throw new Error(`events: ${response.status} ${await response.text()}`);
  const events: SeenEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event !== 'end') events.push(JSON.parse(data));
    },
  });
  let bytes = 0;
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    const taken = chunk.subarray(0, Math.max(0, maxBytes - bytes));
    bytes += chunk.length;
    parser.feed(decoder.decode(taken, { stream: true }));
    if (bytes >= maxBytes) break;
  }
  cut.abort();
  return events;
}

/** One long poll, given up after `cutMs`: then nothing of it counts. */
export async function readByPoll(
  source: Source,
  after: number,
  cutMs: number,
): Promise<SeenEvent[]> {
  try {
    const response = await fetch(
      `${source.baseUrl}/executions/${source.executionId}/events?after=${after}&waitMs=2000`,
      { headers: { 'X-API-Key': source.apiKey }, signal: AbortSignal.timeout(cutMs) },
    );
    const { data } = (await response.json()) as { data: { items: SeenEvent[] } };
    return data.items;
  } catch (error) {
    if (
      error instanceof DOMException &&
      (error.name === 'TimeoutError' || error.name === 'AbortError')
    )
      return [];
    throw error;
  }
}

export interface Collected {
  readonly events: SeenEvent[];
  readonly reads: number;
}

/** Reads on from the last event until `finished`, however often a read ends early. */
export async function collect(
  read: (after: number, attempt: number) => Promise<SeenEvent[]>,
): Promise<Collected> {
  const events: SeenEvent[] = [];
  for (let reads = 1; ; reads++) {
    events.push(...(await read(events.at(-1)?.seq ?? 0, reads)));
    if (events.at(-1)?.type === 'finished') return { events, reads };
    if (reads > 5_000) throw new Error('read 5,000 times without an end');
  }
}

export const textOf = (events: readonly SeenEvent[]): string =>
  events.map(({ type, text }) => (type === 'stdout' ? text : '')).join('');
