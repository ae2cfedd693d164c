/**
 * `POST /contexts/{id}/complete`: what could stand at a place in code, as the context's live state knows
 * it. Positions are those of JavaScript's strings: UTF-16 code units from 0.
 */
import * as z from 'zod/mini';
import { LIMITS } from '../limits.ts';

const position = z.int().check(z.nonnegative());

export const CompleteRequest = z.strictObject({
  /** UTF-8, at most 1 MiB. */
  code: z.string(),
  /** Where in it, before which UTF-16 code unit; at its end where absent. */
  cursor: z.optional(position),
});
export type CompleteRequest = z.infer<typeof CompleteRequest>;

export const COMPLETION_KINDS = [
  'module',
  'class',
  'function',
  'variable',
  'keyword',
  'property',
  'command',
  'file',
] as const;

const Match = z.object({
  /** Takes the place of what stands from `start` to `end`. */
  text: z.string().check(z.maxLength(LIMITS.completionChars)),
  /** Absent where it is not known without running code. */
  kind: z.optional(z.enum(COMPLETION_KINDS)),
});

export const Completion = z.object({
  start: position,
  end: position,
  /** In alphabetical order, names with `_` last. */
  matches: z.array(Match).check(z.maxLength(LIMITS.completions)),
  /** There are more than these. */
  truncated: z.boolean(),
});
export type Completion = z.infer<typeof Completion>;
