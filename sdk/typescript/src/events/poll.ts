/**
 * The same events by long polling, a page at a time, where streams cannot pass. Like a stream it
 * ends only by a Cut or an error.
 */
import * as z from 'zod/mini';
import { EventPage } from '../../../../contract/rest/executions.ts';
import { type Api, readAnswer, send } from '../transport/http.ts';
import { jitterMs, sleep, withDeadline } from '../transport/timing.ts';
import { Cut } from './cut.ts';

/** A page whose events are read one by one, so that an unknown type does not cost its neighbours. */
const Page = z.extend(EventPage, { items: z.array(z.unknown()) });
/** An empty page this soon means that the server does not wait, so the client must. */
const PROMPT_MS = 500;

export interface PollInput {
  readonly executionId: string;
  /** Where the reader stands by now. */
  readonly cursor: () => number;
  readonly signal: AbortSignal;
}

export async function* poll(
  api: Api,
  { executionId, cursor, signal }: PollInput,
): AsyncGenerator<unknown[], never> {
  for (let empty = 0; ; ) {
    const asked = performance.now();
    const { longPollMs: waitMs } = api.timing;
    const { items, finished } = await readPage(api, {
      executionId,
      after: cursor(),
      waitMs,
      signal,
    });
    yield items;
    if (finished && items.length === 0) throw new Cut('ended', 'the log ended');
    empty = items.length === 0 && performance.now() - asked < PROMPT_MS ? empty + 1 : 0;
    if (empty > 0) await sleep(jitterMs(empty, api.timing.backoff), signal);
  }
}

interface PageInput {
  readonly executionId: string;
  readonly after: number;
  /** What the server may wait for the first event. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

export function readPage(api: Api, { executionId, after, waitMs, signal }: PageInput) {
  return withDeadline(api.timing.requestMs, signal, async (signal) => {
    const response = await send(api, 'readEvents', {
      params: { executionId },
      query: { after, waitMs },
      signal,
    });
    return readAnswer('readEvents', response, Page);
  });
}
