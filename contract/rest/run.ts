/** Run code once over REST: a sandbox of its own, files in, one execution, files out, gone. */
import * as z from 'zod/mini';
import { FilePath } from '../agent/files.ts';
import { TimeoutMs } from '../agent/protocol.ts';
import { ERROR_CODES } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Language } from '../runtimes.ts';
import { Execution } from './executions.ts';
import { operation } from './operation.ts';

const RunFileIn = z
  .strictObject({
    /** Relative to the workspace, in which the code runs. */
    path: FilePath,
    text: z.optional(z.string()),
    /** In place of `text`: bytes that are not UTF-8. */
    base64: z.optional(z.base64()),
  })
  .check(
    z.refine(
      ({ text, base64 }) => (text === undefined) !== (base64 === undefined),
      'must have text or base64, and not both',
    ),
  );
export type RunFileIn = z.infer<typeof RunFileIn>;

export const RunBody = z.strictObject({
  language: Language,
  /** UTF-8, at most 1 MiB. */
  code: z.string(),
  /** Written before the code runs; with all else within the size of a request. */
  files: z.optional(z.array(RunFileIn).check(z.maxLength(LIMITS.runFiles))),
  /** Paths to read when the code has ended. */
  outputFiles: z.optional(z.array(FilePath).check(z.maxLength(LIMITS.runFiles))),
  stdin: z.optional(z.string().check(z.maxLength(LIMITS.stdinBytes))),
  timeoutMs: z.optional(TimeoutMs),
});
export type RunBody = z.infer<typeof RunBody>;

export const RunFile = z.object({
  /** As it was asked for. */
  path: z.string(),
  /**
   * `read`: its bytes are here. `kept`: more than fits into this answer, or not to be had at that moment;
   * the sandbox is kept until its `expiresAt`, a minute from the end, for `readFile` and `createDownload`.
   * `missing`: it could not be read, as `problem` says. `gone`: the sandbox had ended before this answer could read it.
   */
  state: z.enum(['read', 'kept', 'missing', 'gone']),
  /** `text`, or `base64` only where the bytes are not UTF-8. */
  text: z.optional(z.string()),
  base64: z.optional(z.string()),
  problem: z.optional(z.object({ code: z.enum(ERROR_CODES), message: z.string() })),
});
export type RunFile = z.infer<typeof RunFile>;

/** The execution, `queued` while its sandbox is made ready, with the files once it has ended. */
export const Run = z.object({ ...Execution.shape, files: z.array(RunFile) });
export type Run = z.infer<typeof Run>;

export const runOperations = {
  runOnce: operation({
    method: 'POST',
    path: '/run',
    role: 'developer',
    summary:
      'Run code once in a sandbox of its own, which then ends. JSON within 25 s, else 202 and a repeat under the same `Idempotency-Key` tells how it stands; `Prefer: respond-async` is 202 at once',
    headers: ['Idempotency-Key', 'Prefer'],
    body: RunBody,
    answers: { 200: Run, 202: Run },
    errors: [
      'CAPACITY_UNAVAILABLE',
      'RESOURCE_LIMIT_ERROR',
      'CODE_TOO_LARGE',
      'FILE_NOT_FOUND',
      'NOT_SUPPORTED',
      'SANDBOX_GONE',
      'AGENT_UNREACHABLE',
      'DEADLINE_EXCEEDED',
    ],
  }),
};
