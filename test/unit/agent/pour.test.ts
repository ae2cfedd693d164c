/** A request's bytes into a helper that takes its time. */
import { request as ask, createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { pour } from '../../../containers/agent/files/pour.ts';

it('is not cut for the time that the helper takes: how long a body may take is told elsewhere', async () => {
  const came = Promise.withResolvers<IncomingMessage>();
  let goOn = (): void => undefined;
  const taken: Buffer[] = [];
  const helper = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _, next) => {
      taken.push(chunk);
      if (taken.length === 1) goOn = next;
      else next();
    },
  });
  const server = createServer((request, response) => {
    came.resolve(request);
    pour(request, helper, () => undefined).then(
      () => response.end('poured'),
      () => response.destroy(),
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const answer = Promise.withResolvers<IncomingMessage>();
  const sending = ask({ port, host: '127.0.0.1', method: 'PUT' }, answer.resolve);
  sending.on('error', answer.reject);
  sending.write('x');
  const request = await came.promise;
  await expect.poll(() => taken.length).toBe(1);
  // As after a long silence.
  request.emit('timeout');
  goOn();
  sending.end('y');
  const chunks = await Array.fromAsync(await answer.promise);
  expect(Buffer.concat(chunks).toString()).toBe('poured');
  expect(Buffer.concat(taken).toString()).toBe('xy');
  server.close();
});

it('rejects where the request was cut before anyone listened', async () => {
  const poured = Promise.withResolvers<void>();
  const server = createServer((request) => {
    request.once('close', () => {
      pour(request, new Writable({ write: (_chunk, _, next) => next() }), () => undefined).then(
        poured.resolve,
        poured.reject,
      );
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const sending = ask({ port, host: '127.0.0.1', method: 'PUT', headers: { 'content-length': 9 } });
  sending.on('error', () => undefined);
  sending.write('x', () => sending.destroy());
  await expect(poured.promise).rejects.toThrow('the request was cut');
  server.close();
});
