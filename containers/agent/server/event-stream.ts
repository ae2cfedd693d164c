/**
 * Answers an execution's events as NDJSON from a cursor on, live until `finished`. A stream that is
 * superseded or whose spool is gone is cut, never ended cleanly: a clean end means all was sent.
 */
import type { ServerResponse } from 'node:http';
import { AppError } from '../../../contract/errors.ts';
import type { Execution } from '../executions/execution.ts';
import { SpoolReader } from '../executions/spool-reader.ts';

const KEEPALIVE_LINE = '{"keepalive":true}\n';

export interface EventStreamOptions {
  readonly execution: Execution;
  readonly after: number;
  readonly keepaliveMs: number;
  /** Called before the first byte: takes the events over, may refuse; answers how to let go. */
  readonly attach: (cut: () => void) => () => void;
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
  const letGo = attach(() => response.destroy());
  response.once('close', () => void reader.close());
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  response.flushHeaders();
  try {
    await pump(reader, response, keepaliveMs, () => {
      execution.noteRead();
    });
  } finally {
    letGo();
    await reader.close();
  }
}

async function pump(
  reader: SpoolReader,
  response: ServerResponse,
  keepaliveMs: number,
  onEnd: () => void,
): Promise<void> {
  for (;;) {
    const next = await reader.read(keepaliveMs);
    if (next === 'gone') {
      response.destroy();
      return;
    }
    if (next === 'end') {
      response.end(onEnd);
      return;
    }
    await written(response, next === 'silence' ? KEEPALIVE_LINE : next);
  }
}

/** Once the bytes are with the system, or nobody waits for them any more. */
function written(response: ServerResponse, bytes: Buffer | string): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const settle = () => {
      response.off('close', settle);
      resolve();
    };
    response.once('close', settle);
    response.write(bytes, settle);
  });
}
