/**
 * Where the WebSocket is and with what it lets one in: a ticket for one connection, asked for with
 * the key, which is never sent to the WebSocket's own host.
 */

import { CodeInterpreterError } from '../../errors.ts';
import { Cut } from '../../events/cut.ts';
import type { Timing } from '../timing.ts';

export interface SocketAccess {
  /** Absent where the environment has none. */
  readonly WebSocket: typeof globalThis.WebSocket | undefined;
  readonly timing: Timing;
  /** Where it is, as far as the client was told. */
  readonly websocketUrl: () => Promise<string | undefined>;
  readonly ticket: () => Promise<{ ticket: string; url: string }>;
  /** Of the REST API, which a path is told against. */
  readonly baseUrl: () => Promise<string>;
}

/** @throws {Cut} `unusable` where this server has no WebSocket, or gives this key no ticket */
export async function socketUrl(access: SocketAccess): Promise<string> {
  const { ticket, url } = await access.ticket().catch((cause: unknown) => {
    // Whatever it was, the other ways meet it too, or do without it.
    throw cause instanceof CodeInterpreterError
      ? new Cut('unusable', `no ticket for the WebSocket: ${cause.message}`, { cause })
      : cause;
  });
  const where = (await access.websocketUrl()) ?? url;
  const whole = new URL(where, (await access.baseUrl()).replace(/^http/, 'ws'));
  whole.searchParams.set('ticket', ticket);
  return whole.href;
}
