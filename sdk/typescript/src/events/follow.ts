/**
 * Reads an execution to its end in whatever way works: resumes at the cursor after each cut, goes
 * down to the next way where one brings nothing, and gives up only after long unbroken trouble.
 * Returning means that `finished` was handed out.
 */
import type { Event } from '../../../../contract/events.ts';
import type { Api } from '../transport/http.ts';
import { sleep } from '../transport/timing.ts';
import { noOtherWay, type Way } from '../transport/ways.ts';
import { Cut } from './cut.ts';
import { EventLog } from './log.ts';
import { poll } from './poll.ts';
import { subscribe } from './socket.ts';
import { attachStream } from './stream.ts';
import { Trouble } from './trouble.ts';

type Source = AsyncIterable<readonly unknown[]>;

/** An execution that was started, or found again. */
export interface Followed {
  /** Unknown until the answer's header or the `started` event names it. */
  executionId: string | undefined;
  /** What the start of the run answered, if that has events. */
  readonly first: Source | undefined;
  readonly way: Way;
  /** Reading begins behind this event. */
  readonly after?: number;
  /** The same execution once more, where it was lost before its id was known. */
  readonly again: () => Promise<Followed>;
}

/** Cuts in a row without a new event after which a way is left for the next. */
const FRUITLESS = 3;
/** A source that stood this long was sound, though the code was silent. */
const SOUND_MS = 10_000;

export async function* follow(
  api: Api,
  run: Followed,
  signal: AbortSignal,
): AsyncGenerator<Event, void> {
  const log = new EventLog(run.after);
  const trouble = new Trouble(api.timing);
  let { way } = run;
  let source = run.first;
  for (;;) {
    const since = performance.now();
    let heard = false;
    try {
      source ??= await attach(api, { run, log, way, signal });
      for await (const batch of source) {
        heard = true;
        api.ways.works(way);
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
      if (error instanceof Cut) way = nextWay(api, { way, cut: error, trouble, run, log });
      await sleep(pauseMs, signal);
    }
    source = undefined;
  }
}

interface Place {
  readonly run: Followed;
  readonly log: EventLog;
  readonly way: Way;
}

/** The same one, unless it proved useless. */
function nextWay(
  { ways }: Api,
  { way, cut, trouble, run, log }: Place & { cut: Cut; trouble: Trouble },
): Way {
  const useless = cut.kind === 'unusable';
  if (!useless && trouble.failures < FRUITLESS) return way;
  const below = ways.below(way);
  if (below) ways.fails(way);
  else if (useless) {
    throw noOtherWay(way, cut, { executionId: run.executionId, after: log.cursor });
  }
  return below ?? way;
}

/** A new source that begins after the cursor. */
async function attach(
  api: Api,
  { run, log, way, signal }: Place & { signal: AbortSignal },
): Promise<Source> {
  if (run.executionId === undefined) {
    const { executionId, first } = await run.again();
    run.executionId = executionId;
    if (first) return first;
  }
  const { executionId } = run;
  if (executionId === undefined) throw new Cut('ended', 'the answer names no execution');
  const cursor = () => log.cursor;
  const input = { executionId, cursor, signal };
  if (way === 'websocket') return subscribe(api, input);
  return way === 'sse' ? attachStream(api, input) : poll(api, input);
}
