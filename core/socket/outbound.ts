/**
 * What the service sends, as text: one message of the envelope, at most 32 KB. An output message is
 * put together from events that are text already, since many readers get the same ones. Its id names
 * what it holds, so a message that is sent again is known by its id too.
 */
import { AppError, type ErrorBody, isRetryable } from '../../contract/errors.ts';
import type { Event } from '../../contract/events.ts';
import type { ExecutionId } from '../../contract/ids.ts';
import type { FromServer, FromServerType } from '../../contract/socket/from-server.ts';
import { SOCKET_LIMITS } from '../../contract/socket/limits.ts';
import { MESSAGE_VERSION } from '../../contract/socket/message.ts';
import type { ExecutionRecord } from '../execution/execution.ts';
import type { Clock } from '../ports.ts';

const SOURCE = 'code-interpreter';
/** What an output message has around its events, with room. */
const ENVELOPE_BYTES = 512;
const utf8 = new TextEncoder();

/** An event on its way to readers. */
export interface OutboundEvent {
  readonly seq: number;
  readonly sizeBytes: number;
  /** Absent where it is too large to be pushed. */
  readonly json?: string;
}

export function outboundEvent(event: Event): OutboundEvent {
  const json = JSON.stringify(event);
  const sizeBytes = utf8.encode(json).length;
  return sizeBytes > SOCKET_LIMITS.eventBytes
    ? { seq: event.seq, sizeBytes }
    : { seq: event.seq, sizeBytes, json };
}

export interface Outbound<T extends FromServerType> {
  readonly id: string;
  readonly type: T;
  readonly correlationId?: string;
  readonly payload: FromServer<T>['payload'];
}

export function messageText<T extends FromServerType>(clock: Clock, message: Outbound<T>): string {
  const { id, type, correlationId, payload } = message;
  return JSON.stringify({ ...head(clock, { id, type, correlationId }), payload });
}

/** The head of these events that fits one message; none where the first is too large to be pushed. */
export function fitting(events: readonly OutboundEvent[]): readonly OutboundEvent[] {
  let room = SOCKET_LIMITS.messageBytes - ENVELOPE_BYTES;
  let count = 0;
  for (const { json, sizeBytes } of events) {
    room -= sizeBytes + 1;
    if (json === undefined || room < 0) break;
    count += 1;
  }
  return events.slice(0, count);
}

/** @param events one at least, each with its text */
export function outputText(
  clock: Clock,
  { id: executionId, watch }: Pick<ExecutionRecord, 'id' | 'watch'>,
  events: readonly OutboundEvent[],
): string {
  const type = watch === undefined ? 'execution.output' : 'file.change';
  const id = `${executionId}:${events[0]?.seq ?? 0}-${events.at(-1)?.seq ?? 0}`;
  const opening = JSON.stringify(head(clock, { id, type })).slice(0, -1);
  const texts = events.map(({ json }) => json).join(',');
  return `${opening},"payload":{"executionId":"${executionId}","events":[${texts}]}}`;
}

export const moreText = (
  clock: Clock,
  executionId: ExecutionId,
  after: number,
  via: 'socket' | 'rest',
): string =>
  messageText(clock, {
    id: `${executionId}:more-${after}`,
    type: 'more',
    payload: { executionId, after, via },
  });

export function completeText(
  clock: Clock,
  executionId: ExecutionId,
  end: Pick<Extract<ExecutionRecord, { outcome: string }>, 'lastSeq' | 'outcome' | 'exitCode'>,
): string {
  const { lastSeq, outcome, exitCode } = end;
  return messageText(clock, {
    id: `${executionId}:complete`,
    type: 'execution.complete',
    payload: { executionId, lastSeq, outcome, exitCode },
  });
}

/** What a watcher hears first; with `correlationId`, the answer to its own `execution.start`. */
export const startText = (
  clock: Clock,
  execution: Pick<ExecutionRecord, 'id' | 'sandboxId' | 'language' | 'createdAt'>,
  correlationId?: string,
): string =>
  messageText(clock, {
    id: `${execution.id}:start`,
    type: 'execution.start',
    ...(correlationId === undefined ? {} : { correlationId }),
    payload: {
      executionId: execution.id,
      sandboxId: execution.sandboxId,
      ...(execution.language === undefined ? {} : { language: execution.language }),
      createdAt: execution.createdAt,
    },
  });

export const heartbeatText = (clock: Clock, executionId: ExecutionId, lastSeq: number): string =>
  messageText(clock, {
    id: `${executionId}:heartbeat-${clock.nowMs()}`,
    type: 'system.heartbeat',
    payload: { executionId, lastSeq },
  });

export const expiredText = (clock: Clock, executionId: ExecutionId, after: number): string =>
  unreadableText(
    clock,
    executionId,
    new AppError('CURSOR_EXPIRED', `The events after ${after} are no longer kept.`, {
      details: { executionId, after },
    }),
  );

/** Why the events of an execution are not sent, or no further. */
export const unreadableText = (clock: Clock, executionId: ExecutionId, error: AppError): string =>
  messageText(clock, {
    id: `${executionId}:error`,
    type: 'execution.error',
    payload: { executionId, error: errorBody(error, executionId) },
  });

/** The one refusal that a relay makes: only it knows how far it has come. */
export const wrongAckText = (
  clock: Clock,
  executionId: ExecutionId,
  wrong: { readonly seq: number; readonly id: string },
  lastSeq: number,
): string =>
  errorText(clock, ackOfFuture(executionId, wrong.seq, lastSeq), {
    answers: wrong.id,
    requestId: wrong.id,
  });

export const ackOfFuture = (executionId: ExecutionId, seq: number, lastSeq: number): AppError =>
  new AppError(
    'VALIDATION_ERROR',
    `payload: seq must be at most ${lastSeq}, the last event of ${executionId} that there is, got ${seq}`,
    {
      details: {
        in: 'payload',
        problems: [{ field: 'seq', problem: `must be at most ${lastSeq}, got ${seq}` }],
      },
    },
  );

/** `answers` is the message that was refused, where its id could be read. */
export const errorText = (
  clock: Clock,
  error: AppError,
  { answers, requestId }: { readonly answers: string | undefined; readonly requestId: string },
): string =>
  messageText(clock, {
    id: answerId(answers ?? requestId),
    type: 'error',
    ...(answers === undefined ? {} : { correlationId: answers }),
    payload: { error: errorBody(error, requestId) },
  });

/** A repeat of a message gets an answer of the same id. */
export const answerId = (messageId: string): string => `${messageId.slice(0, 180)}:answer`;

const errorBody = (error: AppError, requestId: string): ErrorBody => ({
  code: error.code,
  message: error.message,
  retryable: isRetryable(error.code),
  requestId,
  ...(error.details ? { details: error.details } : {}),
});

const head = (
  clock: Clock,
  { id, type, correlationId }: { id: string; type: string; correlationId?: string | undefined },
) => ({
  id,
  type,
  timestamp: clock.nowMs(),
  version: MESSAGE_VERSION,
  source: SOURCE,
  ...(correlationId === undefined ? {} : { correlationId }),
});
