/**
 * The agent's routes for processes: `POST /processes`, `GET /processes`, `DELETE /processes/{pid}` and
 * `POST /processes/{pid}/stdin`, `/resize`, `/signal`. The events of a process are those of the execution
 * that it was started under: `GET /executions/{id}/events`, which show the first 64 MiB of what it prints.
 */
import * as z from 'zod/mini';
import { Outcome } from '../events.ts';
import { ExecutionId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { UserEnv, utf8Length } from './protocol.ts';

const side = z.int().check(z.minimum(1), z.maximum(4_096));
/** Of a terminal, in characters. */
export const PtySize = z.strictObject({ cols: side, rows: side });
export type PtySize = z.infer<typeof PtySize>;

const noNul = z.string().check(z.regex(/^[^\0]*$/, 'must not contain NUL'));

export const StartProcessBody = z.strictObject({
  /** A line for `bash` where there are no `args`, else a program. */
  command: noNul.check(z.minLength(1), z.maxLength(LIMITS.commandChars)),
  args: z.optional(
    z.array(noNul.check(z.maxLength(LIMITS.commandChars))).check(
      z.maxLength(LIMITS.processArgs),
      z.refine(
        (args) => args.reduce((sum, arg) => sum + utf8Length(arg), 0) <= LIMITS.processArgsBytes,
        `must be at most ${LIMITS.processArgsBytes} bytes together`,
      ),
    ),
  ),
  /** Relative to the workspace, which is where it starts without it. */
  cwd: z.optional(noNul.check(z.minLength(1), z.maxLength(LIMITS.pathBytes))),
  /** Over the sandbox's own. It is not shown again. */
  env: z.optional(UserEnv),
  /** With a terminal of this size, which shows all on stdout. */
  pty: z.optional(PtySize),
  /** A name of the caller's. */
  tag: z.optional(noNul.check(z.maxLength(LIMITS.nameChars))),
  /** Whether it can be written to; without it, it meets the end of its stdin at once. A terminal always can. */
  stdin: z.optional(z.boolean()),
  /** It is killed after this long; without it, it lives as long as its sandbox. */
  timeoutMs: z.optional(
    z.int().check(z.minimum(LIMITS.timeoutMs.min), z.maximum(LIMITS.lifetimeMs.max)),
  ),
});
export type StartProcessBody = z.infer<typeof StartProcessBody>;

/** The same id and body again answers the same; another body under its id is 409. */
export const StartProcessRequest = z.strictObject({
  executionId: ExecutionId,
  ...StartProcessBody.shape,
});
export type StartProcessRequest = z.infer<typeof StartProcessRequest>;

export const Process = z.object({
  pid: z.int().check(z.positive()),
  /** Whose events are those of the process; absent for one that an E2B client has started. */
  executionId: z.optional(ExecutionId),
  /** Its first 1,024 characters. */
  command: z.string(),
  /** The same of all of them together. */
  args: z.optional(z.array(z.string())),
  cwd: z.optional(z.string()),
  tag: z.optional(z.string()),
  pty: z.optional(PtySize),
  stdin: z.boolean(),
  startedAt: z.iso.datetime(),
  /** Those that ended last are still known for a while. */
  status: z.enum(['running', 'ended']),
  outcome: z.optional(Outcome),
  exitCode: z.optional(z.int()),
  signal: z.optional(z.string()),
  /** The number that its next part of stdin has to have. */
  nextStdinSeq: z.optional(z.int().check(z.positive())),
});
export type Process = z.infer<typeof Process>;

export const ProcessList = z.object({ items: z.array(Process) });

export const ProcessStdinResponse = z.object({
  pid: z.int(),
  /** The lowest number that has not come yet. */
  nextSeq: z.int().check(z.positive()),
});
export type ProcessStdinResponse = z.infer<typeof ProcessStdinResponse>;

/** To its whole group. */
export const PROCESS_SIGNALS = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGKILL',
  'SIGUSR1',
  'SIGUSR2',
  'SIGTERM',
  'SIGCONT',
  'SIGSTOP',
  'SIGTSTP',
  'SIGWINCH',
] as const;
export const SignalProcessRequest = z.strictObject({ signal: z.enum(PROCESS_SIGNALS) });
export type SignalProcessRequest = z.infer<typeof SignalProcessRequest>;
