/** How long a body may take to come. */
import { request as ask, createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { readJson } from '../../../containers/agent/server/body.ts';
import { allowSlowBody, limitBody } from '../../../containers/agent/server/slow-body.ts';

/** Sends a byte each 20 ms; answers how many came before the request was cut or whole. */
async function trickle(
  bytes: number,
  silentMs: number,
  limit: (request: IncomingMessage) => void,
): Promise<{ came: number; isWhole: boolean }> {
  const { promise, resolve } = Promise.withResolvers<{ came: number; isWhole: boolean }>();
  const server = createServer((request, response) => {
    limit(request);
    let came = 0;
    request.on('data', (chunk: Buffer) => (came += chunk.length));
    request.on('error', () => undefined);
    request.once('close', () => {
      resolve({ came, isWhole: request.complete });
      response.end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const sending = ask({ port, host: '127.0.0.1', method: 'PUT' });
  sending.on('error', () => undefined);
  for (let n = 0; n < bytes && !sending.destroyed; n += 1) {
    sending.write('x');
    await new Promise((next) => setTimeout(next, 20));
  }
  await new Promise((next) => setTimeout(next, silentMs));
  sending.end();
  const told = await promise;
  server.close();
  server.closeAllConnections();
  return told;
}

it('one that is not whole in time is cut', async () => {
  const { isWhole } = await trickle(20, 0, (request) => limitBody(request, 100));
  expect(isWhole).toBe(false);
});

it('one that goes on coming may take longer where that is allowed', async () => {
  const told = await trickle(20, 0, (request) => {
    limitBody(request, 100);
    allowSlowBody(request, 2_000);
  });
  expect(told).toEqual({ came: 20, isWhole: true });
});

it('one without a body is not late, however long its answer lasts', async () => {
  const server = createServer((request, response) => {
    limitBody(request, 20);
    response.write('first ');
    setTimeout(() => response.end('last'), 200);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('first last');
  server.close();
});

it('one that falls silent is cut there too', async () => {
  const { isWhole } = await trickle(2, 1_000, (request) => allowSlowBody(request, 200));
  expect(isWhole).toBe(false);
});

it.each([
  ['is late', (request: IncomingMessage) => limitBody(request, 100)],
  ['falls silent', (request: IncomingMessage) => allowSlowBody(request, 100)],
])('whoever reads one that %s hears of it', async (_, limit) => {
  const heard = Promise.withResolvers<unknown>();
  const server = createServer((request) => {
    limit(request);
    readJson(request).then(heard.resolve, (error: unknown) => heard.resolve(error));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const sending = ask({ port, host: '127.0.0.1', method: 'POST' });
  sending.on('error', () => undefined);
  sending.write('{');
  expect(await heard.promise).toBeInstanceOf(Error);
  sending.destroy();
  server.close();
});
