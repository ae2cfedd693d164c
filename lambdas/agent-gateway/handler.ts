/**
 * `agent-gateway`: the only function inside the sandboxes' network. Forwards one HTTP request to a
 * task and streams the answer back. It calls no AWS API, keeps nothing, and reads of what it
 * carries the HTTP head only.
 */
import { pipeline } from 'node:stream/promises';
import { type DialHead, DialRequest, HEAD_NAMES } from '../../contract/agent/dial.ts';
import { type Dialled, dial } from './dial.ts';

export const handler = awslambda.streamifyResponse(async (event: unknown, response) => {
  const request = DialRequest.parse(event);
  let dialled: Dialled;
  try {
    dialled = await dial(request);
  } catch (error) {
    response.end(headLine({ unreachable: reason(error) }));
    return;
  }
  response.write(headLine({ status: dialled.status, headers: headersOf(dialled) }));
  // A cut body fails the invoke: its caller must never take it for the end.
  await pipeline(dialled.body, response);
});

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
