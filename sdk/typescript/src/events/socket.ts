/**
 * The same events by WebSocket, as they are pushed, and by REST where one is too large for a
 * message. Like a stream it ends only by a Cut or an error.
 */
import type { Api } from '../transport/http.ts';
import type { Inbox } from '../transport/socket/inbox.ts';
import { poll, readPage } from './poll.ts';

export interface SocketInput {
  readonly executionId: string;
  readonly cursor: () => number;
  readonly signal: AbortSignal;
}

/** Subscribes after the cursor. */
export async function* subscribe(
  api: Api,
  input: SocketInput,
): AsyncGenerator<readonly unknown[], void> {
  const { executionId, cursor, signal } = input;
  // The server knows one reader of an execution on a connection, so a second one reads beside it.
  if (api.socket.reads(executionId)) yield* poll(api, input);
  const inbox = await api.socket.subscribe(executionId, cursor(), signal);
  yield* readInbox(api, { executionId, inbox, signal });
}

export async function* readInbox(
  api: Api,
  { executionId, inbox, signal }: { executionId: string; inbox: Inbox; signal: AbortSignal },
): AsyncGenerator<readonly unknown[], void> {
  const aborted = () => inbox.end(signal.reason as Error);
  if (signal.aborted) aborted();
  signal.addEventListener('abort', aborted, { once: true });
  try {
    yield* inbox.batches(async (after) => {
      const { items } = await readPage(api, { executionId, after, waitMs: 0, signal });
      return items;
    });
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}
