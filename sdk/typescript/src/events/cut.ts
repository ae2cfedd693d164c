/** A source of events ended before `finished`: never success, always a reason to resume. */

/**
 * `ended` closed in good order · `broken` in the middle · `silent` no byte for too long ·
 * `gap` events missing · `unusable` a stream cannot be had here at all, so poll.
 */
export type CutKind = 'ended' | 'broken' | 'silent' | 'gap' | 'unusable';

export class Cut extends Error {
  override readonly name = 'Cut';
  readonly kind: CutKind;
  /** The server's own wish for the pause before the next attempt. */
  readonly retryMs: number | undefined;

  constructor(kind: CutKind, message: string, options: { cause?: unknown; retryMs?: number } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.kind = kind;
    this.retryMs = options.retryMs;
  }
}
