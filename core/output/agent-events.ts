/**
 * The events of an execution as its agent tells them, from a cursor on: resumed after every cut,
 * each once and in order. Ends after `finished`; ends without it when the execution cannot come
 * back, because its sandbox is gone or its agent does not know it.
 */
import type { Measured } from '../../contract/agent/metrics.ts';
import { type Event, EventLine } from '../../contract/events.ts';
import type { ExecutionId } from '../../contract/ids.ts';
import { KEEPALIVE_MS } from '../../contract/limits.ts';
import type { AgentTarget } from '../agent/agent.ts';
import { type AgentGateway, AgentUnreachable, type Clock, type Ids } from '../ports.ts';
import { LeaseLost } from './log-writer.ts';

export interface AgentEventsDeps {
  readonly gateway: AgentGateway;
  readonly clock: Clock;
  readonly ids: Pick<Ids, 'jitter'>;
}

export interface AgentEventsSource {
  readonly target: AgentTarget;
  readonly executionId: ExecutionId;
  readonly epoch: number;
  readonly after: number;
  /** What the sandbox uses, as its agent tells it between the events. */
  readonly onMeasured: (measured: Measured) => void;
  /** True when the sandbox has ended: no retry can help. */
  readonly gone: () => Promise<boolean>;
}

const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

export async function* agentEvents(
  deps: AgentEventsDeps,
  source: AgentEventsSource,
  signal: AbortSignal,
): AsyncGenerator<Event, void, undefined> {
  let cursor = source.after;
  let pause = MIN_PAUSE_MS;
  while (!signal.aborted) {
    try {
      for await (const event of attach(deps, source, cursor, signal)) {
        if (event === 'unknown') return;
        cursor = event.seq;
        pause = MIN_PAUSE_MS;
        yield event;
        if (event.type === 'finished') return;
      }
    } catch (error) {
      if (!(error instanceof AgentUnreachable)) throw error;
    }
    if (signal.aborted || (await source.gone())) return;
    await deps.clock.sleep(deps.ids.jitter(pause), signal);
    pause = Math.min(pause * 2, MAX_PAUSE_MS);
  }
}

/** One attachment: events after the cursor until the stream ends, cleanly or not. */
async function* attach(
  deps: AgentEventsDeps,
  source: AgentEventsSource,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<Event | 'unknown', void, undefined> {
  const stream = await deps.gateway.stream(
    source.target.address,
    {
      method: 'GET',
      path: `/executions/${source.executionId}/events?after=${after}&epoch=${source.epoch}&metrics=1`,
      token: source.target.token,
      headTimeoutMs: 5_000,
      idleTimeoutMs: 2.5 * KEEPALIVE_MS,
    },
    signal,
  );
  if (stream.status !== 200) {
    // An answer that is not read would keep its connection.
    for await (const _ of stream.lines);
    if (stream.status === 409) throw new LeaseLost('a higher epoch is attached to the agent');
    // 410: its events were given up for want of room, unread.
    if (stream.status !== 404 && stream.status !== 410)
      throw new AgentUnreachable(`the agent answered ${stream.status}`);
    yield 'unknown';
    return;
  }
  let cursor = after;
  for await (const line of stream.lines) {
    const event = parseLine(line, source.onMeasured);
    if (!event || event.seq <= cursor) continue;
    if (event.seq !== cursor + 1) throw new AgentUnreachable(`seq ${event.seq} after ${cursor}`);
    cursor = event.seq;
    yield event;
  }
}

/** Undefined for what is no event. */
function parseLine(line: string, onMeasured: (measured: Measured) => void): Event | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw new AgentUnreachable('a line of the stream is not JSON', { cause });
  }
  const event = readEvent(json);
  if (!event) throw new AgentUnreachable('a line of the stream is not an event');
  if ('superseded' in event) throw new LeaseLost('a higher epoch has attached to the agent');
  if ('measured' in event) onMeasured(event.measured);
  return 'seq' in event ? event : undefined;
}

/** Undefined for what is no event; also for one so deep that checking it takes the stack. */
function readEvent(json: unknown): EventLine | undefined {
  try {
    const parsed = EventLine.safeParse(json);
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
