/**
 * Which failures are tried again, and when: reads, ends, what is asked under an Idempotency-Key or
 * a number, and a create that was refused for want of capacity. What a repeat could do twice is never repeated.
 */
import { type OperationId, operationOf } from '../../../../contract/operations.ts';
import { CodeInterpreterError } from '../errors.ts';
import { type AnswerOf, type Api, type CallInput, exchange } from './http.ts';
import { jitterMs, sleep, type Timing } from './timing.ts';

/** One operation; tried again on failures that pass soon, where a repeat can do no harm. */
export function call<Id extends OperationId>(
  api: Api,
  id: Id,
  input: CallInput<Id>,
): Promise<AnswerOf<Id>> {
  const harmless = input.idempotencyKey !== undefined || REPEATABLE.has(operationOf(id).method);
  return retrying(
    removing(id, () => exchange(api, id, input)),
    {
      timing: api.timing,
      signal: input.signal,
      again: (error, failures) =>
        failures < api.timing.attempts && (harmless ? passesSoon(error) : wasNeverSent(error)),
    },
  );
}

/**
 * What is removed without an answer's text is gone when a repeat finds it gone: the attempt before,
 * whose answer was lost, removed it.
 */
function removing<Id extends OperationId>(
  id: Id,
  attempt: () => Promise<AnswerOf<Id>>,
): () => Promise<AnswerOf<Id>> {
  const { method, answers } = operationOf(id);
  if (method !== 'DELETE' || answers[204] === undefined) return attempt;
  let answerWasLost = false;
  return async () => {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof CodeInterpreterError)) throw error;
      if (answerWasLost && GONE.has(error.status ?? 0)) return undefined as AnswerOf<Id>;
      // What was refused for its rate was answered, and has removed nothing.
      answerWasLost ||= passesSoon(error) && error.status !== 429 && !wasNeverSent(error);
      throw error;
    }
  };
}

const GONE = new Set([404, 410]);

/** A refusal for want of capacity made nothing, so it can be asked again until `waitMs` is over. */
export function callWithCapacityWait(
  api: Api,
  input: CallInput<'createSandbox'>,
  waitMs: number,
): Promise<AnswerOf<'createSandbox'>> {
  const until = performance.now() + waitMs;
  return retrying(() => call(api, 'createSandbox', input), {
    timing: api.timing,
    signal: input.signal,
    again: (error, _failures, pauseMs) =>
      error.code === 'CAPACITY_UNAVAILABLE' && performance.now() + pauseMs < until,
  });
}

/** A part has its number, so it can be sent again; and it can be sent once the code has read some. */
export function callUntilRoom<Id extends 'writeStdin' | 'writeProcessStdin'>(
  api: Api,
  id: Id,
  input: CallInput<Id>,
): Promise<AnswerOf<Id>> {
  return retrying(() => exchange(api, id, input), {
    timing: api.timing,
    signal: input.signal,
    again: (error, failures) =>
      error.code === 'RESOURCE_LIMIT_ERROR' ||
      (failures < api.timing.attempts && passesSoon(error)),
  });
}

/** What is asked by these comes to the same however often it is asked. */
const REPEATABLE = new Set<string>(['GET', 'PUT', 'PATCH', 'DELETE']);

interface Retrying {
  readonly timing: Timing;
  readonly signal: AbortSignal | undefined;
  readonly again: (error: CodeInterpreterError, failures: number, pauseMs: number) => boolean;
}

export async function retrying<T>(attempt: () => Promise<T>, { timing, signal, again }: Retrying) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof CodeInterpreterError)) throw error;
      const asked = error.retryAfterMs ?? 0;
      const pauseMs = asked + jitterMs(failures, timing.backoff);
      if (asked > timing.retryAfterMs || !again(error, failures, pauseMs)) throw error;
      await sleep(pauseMs, signal);
    }
  }
}

/** Its caller decides how long to wait for room. */
const WANT_OF_ROOM = new Set<string>(['CAPACITY_UNAVAILABLE', 'RESOURCE_LIMIT_ERROR']);

export const passesSoon = ({ retryable, code }: CodeInterpreterError): boolean =>
  retryable && !WANT_OF_ROOM.has(code);

const wasNeverSent = (error: CodeInterpreterError) => error.details?.['neverSent'] === true;
