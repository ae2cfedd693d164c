/**
 * The events of an execution: what the agent emits, the log keeps and every reader gets.
 * `seq` counts from 1 without a gap; `finished` is last, once. Keepalives are not events.
 */
import * as z from 'zod/mini';
import { MetricsLine } from './agent/metrics.ts';

export const OUTCOMES = [
  'ok',
  'error',
  'timeout',
  'interrupted',
  'out_of_memory',
  'killed',
  'lost',
] as const;
export const Outcome = z.enum(OUTCOMES);
export type Outcome = z.infer<typeof Outcome>;

export const LIMIT_NAMES = [
  'timeout',
  'memory',
  'output',
  'processes',
  'file_size',
  'cpu',
] as const;

/** What was not measured is absent. */
export const Metrics = z.object({
  wallMs: z.number(),
  cpuUserMs: z.optional(z.number()),
  cpuSystemMs: z.optional(z.number()),
  /** The most that it held at a time, looked at from time to time where it had started others. */
  memoryPeakBytes: z.optional(z.number()),
  /** By read and write calls: files, pipes and sockets, with children that have ended. */
  readBytes: z.optional(z.number()),
  writtenBytes: z.optional(z.number()),
  /** What ended the process, such as `SIGKILL`. */
  signal: z.optional(z.string()),
  /** The limit that was hit: the one that ended it, where there were several. */
  limit: z.optional(z.enum(LIMIT_NAMES)),
});
export type Metrics = z.infer<typeof Metrics>;

export const ExecutionErrorInfo = z.object({
  name: z.string(),
  value: z.string(),
  traceback: z.string(),
});
export type ExecutionErrorInfo = z.infer<typeof ExecutionErrorInfo>;

/** MIME type → text, base64 (for binary types) or JSON (for JSON types). */
export const MimeBundle = z.record(z.string(), z.json());
export type MimeBundle = z.infer<typeof MimeBundle>;

const head = { seq: z.int().check(z.positive()), at: z.iso.datetime() };
/** `text`, or `base64` only where the bytes are not UTF-8: exactly one of the two. */
const output = { text: z.optional(z.string()), base64: z.optional(z.string()) };

export const StartedEvent = z.object({
  ...head,
  type: z.literal('started'),
  executionId: z.string(),
  executionCount: z.optional(z.int()),
});
export const StdoutEvent = z.object({ ...head, type: z.literal('stdout'), ...output });
export const StderrEvent = z.object({ ...head, type: z.literal('stderr'), ...output });
export const ResultEvent = z.object({
  ...head,
  type: z.literal('result'),
  /** True for the value of the cell itself, false for what it displayed. */
  main: z.boolean(),
  displayId: z.optional(z.string()),
  update: z.optional(z.boolean()),
  data: z.optional(MimeBundle),
  /** In place of `data` over 256 KiB: what readResult answers whole, for as long as the events are kept. */
  ref: z.optional(
    z.object({
      /** Of this API, below its base URL. */
      url: z.string(),
      executionId: z.string(),
      seq: z.int().check(z.positive()),
      /** Of `data` as JSON. */
      sizeBytes: z.int(),
      mime: z.literal('application/json'),
    }),
  ),
});
export const ErrorEvent = z.object({
  ...head,
  type: z.literal('error'),
  ...ExecutionErrorInfo.shape,
});
export const LimitEvent = z.object({
  ...head,
  type: z.literal('limit'),
  limit: z.enum(LIMIT_NAMES),
  /** What is allowed, in the limit's own unit: ms, bytes or a count. */
  value: z.number(),
});
/** `lost`: more has changed than could be told, and nothing follows. */
export const FILE_CHANGES = ['create', 'write', 'remove', 'rename', 'chmod', 'lost'] as const;
/** Of a watch: what has changed below its directory. */
export const ChangeEvent = z.object({
  ...head,
  type: z.literal('change'),
  change: z.enum(FILE_CHANGES),
  /** Relative to the directory; of a rename, the name that is gone. */
  path: z.string(),
});
export const TruncatedEvent = z.object({
  ...head,
  type: z.literal('truncated'),
  droppedBytes: z.int(),
});
export const FinishedEvent = z.object({
  ...head,
  type: z.literal('finished'),
  outcome: Outcome,
  /** The process's; 0 or 1 for a cell; 128 + n for a signal; null when it was lost. */
  exitCode: z.nullable(z.int()),
  /** Such as `SIGKILL`. */
  signal: z.optional(z.string()),
  metrics: Metrics,
});

export const Event = z.discriminatedUnion('type', [
  StartedEvent,
  StdoutEvent,
  StderrEvent,
  ResultEvent,
  ErrorEvent,
  LimitEvent,
  ChangeEvent,
  TruncatedEvent,
  FinishedEvent,
]);
export type Event = z.infer<typeof Event>;
export type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;

/** One line of the agent's event stream. */
export const EventLine = z.union([
  Event,
  z.object({ keepalive: z.literal(true) }),
  MetricsLine,
  /** The last line for a reader whose epoch has passed. */
  z.object({ superseded: z.literal(true) }),
]);
export type EventLine = z.infer<typeof EventLine>;
