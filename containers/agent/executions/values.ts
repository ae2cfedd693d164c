/**
 * Bounds what a kernel tells about a result or an error to what an event may hold, with a mark
 * where something was cut. Pure.
 */
import type { ExecutionErrorInfo, MimeBundle } from '../../../contract/events.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { headOnBoundary } from '../output/pieces.ts';

export function boundBundle(data: MimeBundle): { data: MimeBundle; sizeBytes: number } {
  const sizeBytes = Buffer.byteLength(JSON.stringify(data));
  if (sizeBytes <= LIMITS.resultBytes) return { data, sizeBytes };
  const text = data['text/plain'];
  const head = typeof text === 'string' ? cutText(text, LIMITS.resultInlineBytes) : '';
  const mark = `[the result has ${sizeBytes} bytes, ${LIMITS.resultBytes} are allowed: only its text form is kept]`;
  const reduced = { 'text/plain': `${head}\n${mark}` };
  return { data: reduced, sizeBytes: Buffer.byteLength(JSON.stringify(reduced)) };
}

export function boundError(error: ExecutionErrorInfo): ExecutionErrorInfo {
  return {
    name: cutText(error.name, 256),
    value: cutText(error.value, LIMITS.errorTextBytes),
    traceback: cutText(error.traceback, LIMITS.errorTextBytes),
  };
}

/** Head and tail stay, since an error says most at its ends. At most `limit` bytes of UTF-8. */
export function cutText(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  const mark = `\n[… cut: ${bytes.length} bytes, ${limit} are kept …]\n`;
  const half = Math.max(0, Math.floor((limit - Buffer.byteLength(mark)) / 2));
  const tailStart = headOnBoundary(bytes, bytes.length - half).length;
  const tail = bytes.subarray(tailStart);
  const fits = tail.length <= half ? tail : tail.subarray(headOnBoundary(tail, 4).length);
  return `${headOnBoundary(bytes, half).toString('utf8')}${mark}${fits.toString('utf8')}`;
}
