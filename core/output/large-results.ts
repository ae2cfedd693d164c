/**
 * Results as readers get them: a large one by reference, so that no page, stream or message carries it
 * unasked. The log has it whole. Pure; must never hand on a reference that an agent made.
 */
import type { Event } from '../../contract/events.ts';
import type { ExecutionId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';

const utf8 = new TextEncoder();

export function byReference(executionId: ExecutionId, event: Event): Event {
  if (event.type !== 'result') return event;
  const { ref: _, data = {}, ...rest } = event;
  const sizeBytes = utf8.encode(JSON.stringify(data)).length;
  if (sizeBytes <= LIMITS.resultInlineBytes) return { ...rest, data };
  const { seq } = event;
  const url = `/executions/${executionId}/results/${seq}`;
  return { ...rest, ref: { url, executionId, seq, sizeBytes, mime: 'application/json' } };
}
