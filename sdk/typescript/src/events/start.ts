/**
 * Starts a run, once: the code is sent a single time whatever happens, and every later request is
 * about the execution that it made. Says where its events are to be read.
 */

import type * as z from 'zod/mini';
import { LIMITS } from '../../../../contract/limits.ts';
import { type ExecuteBody, Execution } from '../../../../contract/rest/executions.ts';
import { ConnectionError } from '../errors.ts';
import { type Api, exchange, readAnswer, send } from '../transport/http.ts';
import { withDeadline, within } from '../transport/timing.ts';
import type { Followed } from './follow.ts';
import { EVENT_STREAM, isEventStream, readStream } from './stream.ts';
import { unknownExecution } from './trouble.ts';

/** Runs in a row without a working stream after which a client starts with long polling. */
const FRUITLESS_RUNS = 2;

export interface StartInput {
  readonly sandboxId: string;
  readonly body: z.input<typeof ExecuteBody>;
  /** Cancels the reading of the answer, not the run. */
  readonly signal: AbortSignal;
}

export async function start(api: Api, input: StartInput): Promise<Followed> {
  try {
    return api.streams.failures < FRUITLESS_RUNS
      ? await startStreaming(api, input)
      : await startPolling(api, input);
  } catch (error) {
    const maybeSent = error instanceof ConnectionError && error.details?.['neverSent'] !== true;
    throw maybeSent && !input.signal.aborted ? unknownExecution(error) : error;
  }
}

async function startStreaming(
  api: Api,
  { sandboxId, body, signal }: StartInput,
): Promise<Followed> {
  // Behind a proxy that collects the whole answer its head comes when the run is over.
  const headMs = (body.timeoutMs ?? LIMITS.timeoutMs.default) + api.timing.requestMs;
  const response = await withDeadline(headMs, signal, (signal) =>
    send(api, 'executeCode', {
      params: { sandboxId },
      body,
      headers: { Accept: EVENT_STREAM },
      signal,
    }),
  );
  if (!isEventStream(response)) {
    const { id } = await readAnswer('executeCode', response, Execution);
    api.streams.failures += 1;
    return { executionId: id, first: undefined, transport: 'poll' };
  }
  const executionId = response.headers.get('x-execution-id') ?? undefined;
  const { firstByteMs, silenceMs } = api.timing;
  const first = readStream(response, {
    // Without the id there is nothing to change over to, so there is no use in leaving early.
    firstByteMs: executionId === undefined ? silenceMs : firstByteMs,
    silenceMs,
  });
  return { executionId, first, transport: 'stream' };
}

async function startPolling(api: Api, { sandboxId, body, signal }: StartInput): Promise<Followed> {
  const { id } = await exchange(api, 'executeCode', {
    params: { sandboxId },
    body,
    headers: { Prefer: 'respond-async' },
    signal,
  });
  return { executionId: id, first: undefined, transport: 'poll' };
}

/** What became of a start that its caller does not want any more: the id, if it comes in time. */
export async function lateId(started: Promise<Followed>, ms: number): Promise<string | undefined> {
  const run = await within(
    started.catch(() => undefined),
    ms,
  );
  return run?.executionId;
}
