/** A server on 127.0.0.1 and nowhere else: from there on, and to its end. */
import { once } from 'node:events';
import type { Server } from 'node:http';

export async function listenOnLoopback(server: Server, port: number): Promise<string> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No TCP port to listen on');
  return `http://127.0.0.1:${address.port}`;
}

/** Takes no more connections and cuts the open ones. */
export async function stopServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
