/**
 * Starts a run, once: the code is sent under one Idempotency-Key however often an answer is lost, so
 * that every repeat is about the execution that the first one made. Says where its events are read.
 */

import type * as z from 'zod/mini';
import { LIMITS } from '../../../../contract/limits.ts';
import { type ExecuteBody, Execution } from '../../../../contract/rest/executions.ts';
import { SOCKET_LIMITS } from '../../../../contract/socket/limits.ts';
import { ConnectionError } from '../errors.ts';
import { type Api, readAnswer, send } from '../transport/http.ts';
import { passesSoon, retrying } from '../transport/retry.ts';
import { sizeOf } from '../transport/socket/messages.ts';
import { withDeadline, within } from '../transport/timing.ts';
import { noOtherWay, type Way } from '../transport/ways.ts';
import { Cut } from './cut.ts';
import type { Followed } from './follow.ts';
import { readInbox } from './socket.ts';
import { EVENT_STREAM, isEventStream, readStream } from './stream.ts';
import { unknownExecution } from './trouble.ts';

export interface StartInput {
  readonly sandboxId: string;
  readonly body: z.input<typeof ExecuteBody>;
  /** Under it the code runs once, however often it is sent. */
  readonly idempotencyKey: string;
  /** Cancels the reading of the answer, not the run. */
  readonly signal: AbortSignal;
}

type Started = Omit<Followed, 'again'>;

const STARTS: Record<Way, (api: Api, input: StartInput) => Promise<Started>> = {
  websocket: startOnSocket,
  sse: startStreaming,
  poll: startPolling,
};

export async function start(api: Api, input: StartInput): Promise<Followed> {
  const { timing } = api;
  const { signal } = input;
  try {
    const started = await retrying(() => startInBestWay(api, input), {
      timing,
      signal,
      again: (error, failures) => failures < timing.attempts && passesSoon(error),
    });
    return { ...started, again: () => start(api, input) };
  } catch (error) {
    const maybeSent = error instanceof ConnectionError && error.details?.['neverSent'] !== true;
    throw maybeSent && !signal.aborted ? unknownExecution(error) : error;
  }
}

/** A way that cannot be had has sent nothing, so the next one is tried at once. */
async function startInBestWay(api: Api, input: StartInput): Promise<Started> {
  for (let way = api.ways.best(); ; ) {
    try {
      return await STARTS[way](api, input);
    } catch (error) {
      if (!(error instanceof Cut)) throw error;
      api.ways.fails(way);
      if (error.kind !== 'unusable') throw lostStart(error);
      const below = api.ways.below(way);
      if (!below) throw noOtherWay(way, error, { neverSent: true });
      way = below;
    }
  }
}

const lostStart = (cut: Cut): ConnectionError =>
  new ConnectionError(`The start was not answered: ${cut.message}.`, {
    cause: cut,
    retryable: true,
  });

async function startOnSocket(api: Api, input: StartInput): Promise<Started> {
  const { sandboxId, body, idempotencyKey, signal } = input;
  const payload = { sandboxId, ...body, idempotencyKey };
  if (sizeOf(JSON.stringify(payload)) > SOCKET_LIMITS.eventBytes) {
    return { ...(await startPolling(api, input)), way: 'websocket' };
  }
  const { executionId, inbox } = await api.socket.start(payload, signal);
  const first = readInbox(api, { executionId, inbox, signal });
  return { executionId, first, way: 'websocket' };
}

async function startStreaming(api: Api, input: StartInput): Promise<Started> {
  // Behind a proxy that collects the whole answer its head comes when the run is over.
  const headMs = (input.body.timeoutMs ?? LIMITS.timeoutMs.default) + api.timing.requestMs;
  const response = await post(api, input, { Accept: EVENT_STREAM }, headMs);
  if (!isEventStream(response)) {
    const executionId = await idOf(response);
    return { executionId, first: notAStream(), way: 'sse' };
  }
  const executionId = headerId(response);
  const { firstByteMs, silenceMs } = api.timing;
  const first = readStream(response, {
    // Without the id there is nothing to change over to, so there is no use in leaving early.
    firstByteMs: executionId === undefined ? silenceMs : firstByteMs,
    silenceMs,
  });
  return { executionId, first, way: 'sse' };
}

/** Told where it is read, where what is to be done about it is known. */
async function* notAStream(): AsyncGenerator<never, void> {
  yield* [];
  throw new Cut('unusable', 'the answer is not a stream');
}

async function startPolling(api: Api, input: StartInput): Promise<Started> {
  const response = await post(api, input, { Prefer: 'respond-async' }, api.timing.requestMs);
  return { executionId: await idOf(response), first: undefined, way: 'poll' };
}

function post(
  api: Api,
  { sandboxId, body, idempotencyKey, signal }: StartInput,
  headers: Record<string, string>,
  headMs: number,
): Promise<Response> {
  return withDeadline(headMs, signal, (signal) =>
    send(api, 'executeCode', { params: { sandboxId }, body, idempotencyKey, headers, signal }),
  );
}

const headerId = (response: Response) => response.headers.get('x-execution-id') ?? undefined;

/** The id is all that is needed: a JSON answer has a part of the output, the events have all. */
async function idOf(response: Response): Promise<string> {
  const id = response.ok ? headerId(response) : undefined;
  if (id === undefined) return (await readAnswer('executeCode', response, Execution)).id;
  await response.body?.cancel();
  return id;
}

/** What became of a start that its caller does not want any more: the id, if it comes in time. */
export async function lateId(started: Promise<Followed>, ms: number): Promise<string | undefined> {
  const run = await within(
    started.catch(() => undefined),
    ms,
  );
  return run?.executionId;
}
