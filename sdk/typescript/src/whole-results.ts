/** Results as a caller wants them: whole, also those that come by reference. */
import type { Event, MimeBundle } from '../../../contract/events.ts';
import type { Result } from '../../../contract/rest/executions.ts';
import type { Api } from './transport/http.ts';
import { call } from './transport/retry.ts';

/** What an event has of a result as well. */
type Told = Pick<Result, 'data' | 'ref'>;

/** @internal */
export async function readResult(
  api: Api,
  { data = {}, ref }: Told,
  signal?: AbortSignal,
): Promise<MimeBundle> {
  if (!ref) return data;
  const { executionId, seq } = ref;
  const params = { executionId, seq: String(seq) };
  return (await call(api, 'readResult', { params, signal })).data;
}

/** @internal */
export async function withData(api: Api, event: Event, signal?: AbortSignal): Promise<Event> {
  return event.type === 'result' ? wholeResult(api, event, signal) : event;
}

/** @internal */
export async function wholeResult<T extends Told>(
  api: Api,
  result: T,
  signal?: AbortSignal,
): Promise<Omit<T, 'ref'>> {
  if (!result.ref) return result;
  const { ref: _, ...rest } = result;
  return { ...rest, data: await readResult(api, result, signal) };
}
