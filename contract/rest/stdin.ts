/** What is written to an execution's stdin, over REST and WebSocket alike. */
import * as z from 'zod/mini';
import { LIMITS } from '../limits.ts';

export const WriteStdinBody = z.strictObject({
  /** Counts from 1. What comes early waits for what is missing; a repeat changes nothing. */
  seq: z.int().check(z.positive()),
  /** UTF-8, at most 1 MiB. */
  text: z.string().check(z.maxLength(LIMITS.stdinBytes)),
  /** After this text the code reads the end of file. */
  close: z.optional(z.boolean()),
});
export type WriteStdinBody = z.infer<typeof WriteStdinBody>;
