/** How output events read as text and results: the same for the server's answers and the client's. */
import type { EventOf } from './events.ts';
import type { Result } from './rest/executions.ts';

/** The text of an output event; bytes that are not UTF-8 become U+FFFD. */
export function textOf({ text, base64 }: EventOf<'stdout' | 'stderr'>): string {
  if (base64 === undefined) return text ?? '';
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0)));
}

export function resultOf({ main, displayId, data, ref }: EventOf<'result'>): Result {
  return {
    main,
    ...(displayId === undefined ? {} : { displayId }),
    ...(data === undefined ? {} : { data }),
    ...(ref === undefined ? {} : { ref }),
  };
}

/** An update takes the place of what was displayed under the same id; anything else is added. */
export function showResult(results: Result[], event: EventOf<'result'>): void {
  const { displayId } = event;
  const made = resultOf(event);
  const isOld = (old: Result) => old.displayId === displayId;
  if (event.update !== true || displayId === undefined || !results.some(isOld)) {
    results.push(made);
    return;
  }
  for (const [index, old] of results.entries()) if (isOld(old)) results[index] = made;
}
