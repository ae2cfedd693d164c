/**
 * An agent of one execution in memory: emits its events over virtual time, resumes at any cursor,
 * closes older epochs, and is cut where a script says so.
 */
import type { Event } from '../../contract/events.ts';
import type { AgentGateway, AgentStream } from '../../core/ports.ts';
import { AgentUnreachable } from '../../core/ports.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface AgentScript {
  readonly events: readonly Event[];
  /** When each event is emitted, in ms after the start. */
  readonly emittedMs: readonly number[];
  /** Events given by the first attachment, the second … before it is cut; then none is cut. */
  readonly cuts: readonly number[];
}

export function memoryAgent(clock: VirtualClock, script: AgentScript): AgentGateway {
  const startMs = clock.nowMs();
  let epochSeen = 0;
  let attachments = 0;

  async function* lines(
    after: number,
    epoch: number,
    limit: number,
  ): AsyncGenerator<string, void, undefined> {
    let given = 0;
    for (const [index, event] of script.events.entries()) {
      if (event.seq <= after) continue;
      const dueMs = startMs + (script.emittedMs[index] ?? 0);
      if (dueMs > clock.nowMs()) await clock.sleep(dueMs - clock.nowMs());
      if (epoch < epochSeen) {
        yield '{"superseded":true}';
        return;
      }
      if (given++ >= limit) throw new AgentUnreachable('cut');
      yield JSON.stringify(event);
    }
  }

  return {
    async call() {
      return { status: 200, body: '{}' };
    },
    async stream(_, { path }, signal): Promise<AgentStream> {
      const query = new URL(path, 'http://agent').searchParams;
      const epoch = Number(query.get('epoch'));
      if (epoch < epochSeen) return { status: 409, lines: lines(0, epoch, 0) };
      epochSeen = epoch;
      const limit = script.cuts[attachments++] ?? Number.POSITIVE_INFINITY;
      return {
        status: 200,
        lines: abortable(lines(Number(query.get('after')), epoch, limit), signal),
      };
    },
  };
}

async function* abortable(
  source: AsyncGenerator<string>,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  while (true) {
    const next = source.next();
    next.catch(() => {});
    const step = await Promise.race([next, aborted]);
    if (!step || step.done) return;
    yield step.value;
  }
}
