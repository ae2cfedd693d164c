/**
 * Starts a run, once: the code is sent under one Idempotency-Key however often an answer is lost, so
 * that every repeat is about the execution that the first one made. Says where its events are read.
 */

import type * as z from 'zod/mini';
import { LIMITS } from '../../../../contract/limits.ts';
import { type ExecuteBody, Execution } from '../../../../contract/rest/executions.ts';
import { ConnectionError } from '../errors.ts';
import { type Api, readAnswer, send } from '../transport/http.ts';
import { passesSoon, retrying } from '../transport/retry.ts';
import { withDeadline, within } from '../transport/timing.ts';
import type { Followed } from './follow.ts';
import { EVENT_STREAM, isEventStream, readStream } from './stream.ts';
import { unknownExecution } from './trouble.ts';

/** Runs in a row without a working stream after which a client starts with long polling. */
const FRUITLESS_RUNS = 2;

export interface StartInput {
  readonly sandboxId: string;
  readonly body: z.input<typeof ExecuteBody>;
  /** Under it the code runs once, however often it is sent. */
  readonly idempotencyKey: string;
  /** Cancels the reading of the answer, not the run. */
  readonly signal: AbortSignal;
}

export async function start(api: Api, input: StartInput): Promise<Followed> {
  const { timing, streams } = api;
  const { signal } = input;
  try {
    return await retrying(
      () =>
        streams.failures < FRUITLESS_RUNS ? startStreaming(api, input) : startPolling(api, input),
      {
        timing,
        signal,
        again: (error, failures) => failures < timing.attempts && passesSoon(error),
      },
    );
  } catch (error) {
    const maybeSent = error instanceof ConnectionError && error.details?.['neverSent'] !== true;
    throw maybeSent && !signal.aborted ? unknownExecution(error) : error;
  }
}

async function startStreaming(api: Api, input: StartInput): Promise<Followed> {
  // Behind a proxy that collects the whole answer its head comes when the run is over.
  const headMs = (input.body.timeoutMs ?? LIMITS.timeoutMs.default) + api.timing.requestMs;
  const response = await post(api, input, { Accept: EVENT_STREAM }, headMs);
  if (!isEventStream(response)) {
    const executionId = await idOf(response);
    api.streams.failures += 1;
    return { executionId, first: undefined, transport: 'poll' };
  }
  const executionId = headerId(response);
  const { firstByteMs, silenceMs } = api.timing;
  const first = readStream(response, {
    // Without the id there is nothing to change over to, so there is no use in leaving early.
    firstByteMs: executionId === undefined ? silenceMs : firstByteMs,
    silenceMs,
  });
  return { executionId, first, transport: 'stream' };
}

async function startPolling(api: Api, input: StartInput): Promise<Followed> {
  const response = await post(api, input, { Prefer: 'respond-async' }, api.timing.requestMs);
  return { executionId: await idOf(response), first: undefined, transport: 'poll' };
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
