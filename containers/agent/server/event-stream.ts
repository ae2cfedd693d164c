/**
 * Answers an execution's events as NDJSON from a cursor on, live until `finished`. A stream whose
 * spool is gone is cut. One that a newer epoch supersedes ends with a line that says so. Nothing
 * else ends cleanly: without that line a clean end means that all was sent.
 */
import type { ServerResponse } from 'node:http';
import { AppError } from '../../../contract/errors.ts';
import type { Execution } from '../executions/execution.ts';
import { SpoolReader } from '../executions/spool-reader.ts';
import type { Sampler } from '../metrics/sampler.ts';
import { written } from './written.ts';

const KEEPALIVE_LINE = '{"keepalive":true}\n';
const SUPERSEDED_LINE = '{"superseded":true}\n';
/** A reader that takes nothing any more is not waited for. */
const SUPERSEDED_MS = 1_000;
const NEWLINE = 0x0a;

export interface EventStreamOptions {
  readonly execution: Execution;
  readonly after: number;
  readonly keepaliveMs: number;
  /** Called before the first byte: takes the events over, may refuse; answers how to let go. */
  readonly attach: (supersede: () => void) => () => void;
  /** What it measures is told too, between the events. */
  readonly sampler?: Sampler;
}

export async function sendEvents(
  response: ServerResponse,
  options: EventStreamOptions,
): Promise<void> {
  const { execution, after, keepaliveMs, attach } = options;
  const { spool } = execution;
  if (spool.removed)
    throw new AppError('CURSOR_EXPIRED', `the events of ${execution.id} are not kept any more`);
  if (after > spool.lastSeq)
    throw new AppError(
      'VALIDATION_ERROR',
      `after: must be at most ${spool.lastSeq}, got ${after}`,
      {
        details: { field: 'after', value: after, allowed: spool.lastSeq },
      },
    );
  const reader = new SpoolReader(spool, after);
  let superseded = false;
  const letGo = attach(() => {
    superseded = true;
    reader.stop();
    const late = setTimeout(() => response.destroy(), SUPERSEDED_MS);
    response.once('close', () => clearTimeout(late));
  });
  response.once('close', () => void reader.close());
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  response.flushHeaders();
  const place = { isWhole: true };
  using _ = options.sampler?.listen((measured) => {
    // One that finds half a line, a reader that is behind or the end is for another reader.
    const { writableNeedDrain, writableEnded, destroyed } = response;
    if (!place.isWhole || writableNeedDrain || writableEnded || destroyed) return false;
    response.write(`${JSON.stringify({ measured })}\n`);
    return true;
  });
  try {
    const end = await pump(reader, response, { keepaliveMs, place });
    if (end === 'end') response.end(() => execution.noteRead());
    else if (end === 'gone' && superseded) response.end(SUPERSEDED_LINE);
    else response.destroy();
  } finally {
    letGo();
    await reader.close();
  }
}

/** Until all is sent or nothing more comes; `half` where that is in the middle of a line. */
async function pump(
  reader: SpoolReader,
  response: ServerResponse,
  { keepaliveMs, place }: { readonly keepaliveMs: number; readonly place: { isWhole: boolean } },
): Promise<'end' | 'gone' | 'half'> {
  for (;;) {
    const next = await reader.read(keepaliveMs);
    if (next === 'end') return 'end';
    if (next === 'gone') return place.isWhole ? 'gone' : 'half';
    if (next !== 'silence') place.isWhole = next.at(-1) === NEWLINE;
    await written(response, next === 'silence' ? KEEPALIVE_LINE : next);
  }
}
