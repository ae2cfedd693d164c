/** One message to one connection, tried again while it is not known whether it was sent. */
import type { Clock, Connections, Ids } from '../ports.ts';
import type { ConnectionStore } from './connection.ts';

export interface PostDeps {
  readonly connections: Connections;
  readonly sockets: Pick<ConnectionStore, 'remove'>;
  readonly clock: Clock;
  readonly ids: Pick<Ids, 'jitter' | 'owner'>;
}

const TRIES = 5;
const RETRY_MS = 100;

/** A connection that is gone is forgotten with all its subscriptions. `lost`: no try was answered. */
export async function post(
  deps: PostDeps,
  connectionId: string,
  message: string,
  signal?: AbortSignal,
): Promise<'sent' | 'gone' | 'lost'> {
  for (let tries = 1; ; tries++) {
    try {
      const answer = await deps.connections.post(connectionId, message);
      // What is not removed now goes with its time to live.
      if (answer === 'gone') await deps.sockets.remove(connectionId).catch(() => {});
      return answer;
    } catch {
      if (tries === TRIES || signal?.aborted) return 'lost';
      await deps.clock.sleep(deps.ids.jitter(RETRY_MS * 2 ** tries), signal);
    }
  }
}
