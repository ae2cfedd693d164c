/** The messages that the server sends, by type, and how a client reads them. */
import * as z from 'zod/mini';
import { ResourceSample, Shortage } from '../agent/metrics.ts';
import { ErrorBody } from '../errors.ts';
import { Event, Outcome } from '../events.ts';
import { ExecutionId, SandboxId } from '../ids.ts';
import { Language } from '../runtimes.ts';
import { type MessageOf, openEnvelope } from './message.ts';

const Seq = z.int().check(z.nonnegative());

export const FROM_SERVER = {
  /** The answer to `execution.start`, and what a watcher of the sandbox hears first of an execution. */
  'execution.start': z.object({
    executionId: ExecutionId,
    sandboxId: SandboxId,
    /** Absent for a process and a watch. */
    language: z.optional(Language),
    createdAt: z.iso.datetime(),
  }),
  /** Events in order; a resent one has the seq that it had, and is to be dropped. */
  'execution.output': z.object({ executionId: ExecutionId, events: z.array(Event) }),
  /** The same of a watch: its events tell what has changed. */
  'file.change': z.object({ executionId: ExecutionId, events: z.array(Event) }),
  /** All events have been sent, the last one with this seq, and the record says the same. */
  'execution.complete': z.object({
    executionId: ExecutionId,
    lastSeq: Seq,
    outcome: Outcome,
    exitCode: z.nullable(z.int()),
  }),
  /** The events cannot be sent any further; never that the code failed, which its events tell. */
  'execution.error': z.object({ executionId: ExecutionId, error: ErrorBody }),
  /** What a watcher of a sandbox hears each 5 s while something of it is relayed. */
  'resource.metrics': z.object({ sandboxId: SandboxId, ...ResourceSample.shape }),
  /** From 80 % on, and when all is used: once, until it has gone back. */
  'resource.warning': z.object({ sandboxId: SandboxId, ...Shortage.shape }),
  'resource.limit': z.object({ sandboxId: SandboxId, ...Shortage.shape }),
  'system.pong': z.object({}),
  /** The execution runs and has been silent; all up to `lastSeq` was sent. */
  'system.heartbeat': z.object({ executionId: ExecutionId, lastSeq: Seq }),
  /** The service closes this connection. */
  'system.shutdown': z.object({ reason: z.string() }),
  /** Done as asked. `nextSeq`: the number that the next `execution.stdin` should have. */
  ack: z.object({
    executionId: z.optional(ExecutionId),
    sandboxId: z.optional(SandboxId),
    seq: z.optional(Seq),
    nextSeq: z.optional(Seq),
  }),
  error: z.object({ error: ErrorBody }),
  /**
   * Nothing more is pushed until the client says where it stands. `socket`: pull by `more`. `rest`:
   * the next event is too large for a message; read it by readEvents, then go on by `more`.
   */
  more: z.object({ executionId: ExecutionId, after: Seq, via: z.enum(['socket', 'rest']) }),
} as const;

export type FromServerType = keyof typeof FROM_SERVER;
export type FromServer<T extends FromServerType = FromServerType> = MessageOf<
  typeof FROM_SERVER,
  T
>;

/** Undefined for what is no message, or one of a type that this version does not know. */
export function readFromServer(message: unknown): FromServer | undefined {
  const envelope = openEnvelope.safeParse(message);
  if (!envelope.success || !Object.hasOwn(FROM_SERVER, envelope.data.type)) return undefined;
  const payload = FROM_SERVER[envelope.data.type as FromServerType].safeParse(
    envelope.data.payload,
  );
  return payload.success ? ({ ...envelope.data, payload: payload.data } as FromServer) : undefined;
}
