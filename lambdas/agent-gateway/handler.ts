/**
 * `agent-gateway`: the only function inside the sandboxes' network. Forwards one HTTP request to a
 * task and streams the answer back; bytes of files it carries between a task and the transfer bucket
 * itself. It calls no AWS API, keeps nothing, and reads of what it carries the HTTP head only.
 */
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type DialHead, DialRequest, HEAD_NAMES } from '../../contract/agent/dial.ts';
import { parseEnv } from '../shared/env.ts';
import { type Dialled, dial } from './dial.ts';
import { AgentGatewayEnv } from './env.ts';
import { TransferBucket } from './transfer-bucket.ts';

const bucket = new TransferBucket(parseEnv(AgentGatewayEnv));

export const handler = awslambda.streamifyResponse(async (event: unknown, response) => {
  const request = DialRequest.parse(event);
  let carried: Carried;
  try {
    carried = await carry(request);
  } catch (error) {
    response.end(headLine({ unreachable: reason(error) }));
    return;
  }
  if (typeof carried === 'number') response.end(headLine({ object: carried }));
  else await answer(carried, response);
});

/** The agent's answer, or the status of the bucket. */
type Carried = Dialled | number;

async function carry(request: DialRequest): Promise<Carried> {
  const { source, sink, idleTimeoutMs } = request;
  const bytes = source && (await bucket.open(source, idleTimeoutMs));
  if (typeof bytes === 'number') return bytes;
  const dialled = await dial(request, bytes);
  const isBytes = dialled.status >= 200 && dialled.status < 300;
  return sink && isBytes ? bucket.store(sink, dialled.body, idleTimeoutMs) : dialled;
}

async function answer(dialled: Dialled, response: Writable): Promise<void> {
  response.write(headLine({ status: dialled.status, headers: headersOf(dialled) }));
  // A cut body fails the invoke: its caller must never take it for the end.
  await pipeline(dialled.body, response);
}

const headLine = (head: DialHead): string => `${JSON.stringify(head)}\n`;

const headersOf = ({ body }: Dialled) =>
  Object.fromEntries(
    HEAD_NAMES.flatMap((name) => {
      const value = body.headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** The system's code alone: an error's text may hold what a sandbox sent. */
const reason = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
