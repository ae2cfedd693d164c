/**
 * Pages of events as server-sent events: `id` the seq, `event` the type, `data` the Event. Comment
 * lines are heartbeats. `event: end` only after `finished`; without it the client resumes.
 */
import type { Event } from '../../contract/events.ts';
import { KEEPALIVE_MS } from '../../contract/limits.ts';
import type { Clock } from '../../core/ports.ts';

/** A client that was cut comes back this soon. */
const RETRY_MS = 200;

export async function* serverSentEvents(
  pages: AsyncGenerator<Event[], void, undefined>,
  clock: Clock,
): AsyncGenerator<string, void, undefined> {
  // The first bytes open the stream at the client before there is any event.
  yield `retry: ${RETRY_MS}\n\n`;
  let finished = false;
  try {
    let next = pages.next();
    while (true) {
      const page = await withHeartbeat(next, clock);
      if (page === 'heartbeat') {
        yield ': keepalive\n\n';
        continue;
      }
      if (page.done) break;
      yield page.value.map(encode).join('');
      finished = page.value.at(-1)?.type === 'finished';
      next = pages.next();
    }
  } finally {
    await pages.return();
  }
  if (finished) yield 'event: end\ndata: {}\n\n';
}

async function withHeartbeat<T>(next: Promise<T>, clock: Clock): Promise<T | 'heartbeat'> {
  const arrived = new AbortController();
  try {
    return await Promise.race([
      next,
      clock.sleep(KEEPALIVE_MS, arrived.signal).then(() => 'heartbeat' as const),
    ]);
  } finally {
    arrived.abort();
  }
}

const encode = (event: Event): string =>
  `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
