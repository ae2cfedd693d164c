/**
 * Carries a request out under the fault that strikes it: late, twice, in part, unheard or not at all.
 * Which fault strikes is the switch's matter.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { AwsRequest } from '../../service.ts';
import { sendRefusal } from '../../shared/refusal.ts';
import { cutAnswer, voidAnswer } from './answers.ts';
import type { Strike } from './fault-switch.ts';
import { refusalOf } from './refusals.ts';

type Serve = (request: AwsRequest, response: ServerResponse) => Promise<void>;

export async function carryUnder(
  { fault, hold }: Strike,
  request: AwsRequest,
  response: ServerResponse,
  serve: Serve,
): Promise<void> {
  const { incoming } = request;
  const { socket } = incoming;
  switch (fault.type) {
    case 'refuse':
    case 'throttle':
      return sendRefusal(refusalOf(fault, request), incoming, response);
    case 'delay':
      await hold(fault.ms);
      return serve(request, response);
    case 'repeat': {
      const again = await repeatable(request);
      await serve(again(), voidAnswer(incoming));
      return serve(again(), response);
    }
    case 'lost-answer':
      await serve(request, voidAnswer(incoming));
      socket.destroy();
      return;
    case 'cut':
      if (fault.of === 'response') return serve(request, cutAnswer(incoming, fault.atByte));
      return cutRequest(request, fault.atByte, serve);
    case 'drop':
      throw new Error('only an event can be dropped');
  }
}

/** A service that gets whole bodies gets none of it; one that streams them gets what came before the cut. */
async function cutRequest(request: AwsRequest, atByte: number, serve: Serve): Promise<void> {
  const { incoming } = request;
  // A message that was read to its end has no socket any more.
  const { socket } = incoming;
  if (request.body !== undefined) {
    socket.destroy();
    return;
  }
  const part = Readable.from(upTo(incoming, atByte), { objectMode: false });
  await serve({ ...request, incoming: like(incoming, part) }, voidAnswer(incoming));
  socket.destroy();
}

async function* upTo(incoming: IncomingMessage, atByte: number): AsyncGenerator<Buffer> {
  let left = atByte;
  for await (const bytes of incoming as AsyncIterable<Buffer>) {
    if (bytes.length >= left) {
      yield bytes.subarray(0, left);
      break;
    }
    left -= bytes.length;
    yield bytes;
  }
  throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
}

/** A body that streams can be read once: it is kept, and read from memory. */
async function repeatable(request: AwsRequest): Promise<() => AwsRequest> {
  if (request.body !== undefined) return () => request;
  const { incoming } = request;
  const body = await buffer(incoming);
  return () => ({
    ...request,
    incoming: like(incoming, Readable.from([body], { objectMode: false })),
  });
}

/** The same request with another body: what services read of a message beside its stream. */
function like(incoming: IncomingMessage, body: Readable): IncomingMessage {
  const { headers, rawHeaders, method, url, httpVersion, socket } = incoming;
  return Object.assign(body, {
    headers,
    rawHeaders,
    method,
    url,
    httpVersion,
    socket,
  }) as unknown as IncomingMessage;
}
