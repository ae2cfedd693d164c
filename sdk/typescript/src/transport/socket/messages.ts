/**
 * What is said on the WebSocket, as text: how a message is written, and what one that came is. It
 * knows no connection.
 */
import * as z from 'zod/mini';
import { ErrorBody } from '../../../../../contract/errors.ts';
import {
  FROM_SERVER,
  type FromServer,
  readFromServer,
} from '../../../../../contract/socket/from-server.ts';
import { MESSAGE_VERSION, openEnvelope } from '../../../../../contract/socket/message.ts';
import type { TO_SERVER, ToServerType } from '../../../../../contract/socket/to-server.ts';
import { CodeInterpreterError } from '../../errors.ts';
import { jsonOf } from '../http.ts';

export type PayloadOf<T extends ToServerType> = z.input<(typeof TO_SERVER)[T]['payload']>;

export function messageText<T extends ToServerType>(
  id: string,
  type: T,
  payload: PayloadOf<T>,
): string {
  const head = { id, type, timestamp: Date.now(), version: MESSAGE_VERSION, source: 'sdk' };
  return JSON.stringify({ ...head, payload });
}

export const sizeOf = (text: string): number => new TextEncoder().encode(text).length;

/** Events are read one by one later, so that an unknown type does not cost its neighbours. */
const OutputPayload = z.extend(FROM_SERVER['execution.output'], { events: z.array(z.unknown()) });
/** A server newer than this SDK may answer a code that is not in our table. */
const AnyError = z.extend(ErrorBody, { code: z.string() });
const ErrorPayload = z.object({ error: AnyError });
const BrokenPayload = z.extend(FROM_SERVER['execution.error'], { error: AnyError });

/** API Gateway's own words, which are in no envelope. */
const GatewayWords = z.object({
  message: z.string(),
  connectionId: z.string(),
  requestId: z.string(),
});

export type Heard =
  | { readonly kind: 'answer'; readonly to: string; readonly message: FromServer }
  | { readonly kind: 'refusal'; readonly to: string; readonly error: CodeInterpreterError }
  | { readonly kind: 'output'; readonly executionId: string; readonly events: unknown[] }
  | { readonly kind: 'broken'; readonly executionId: string; readonly error: CodeInterpreterError }
  | { readonly kind: 'push'; readonly message: FromServer }
  /** Some request of ours failed at the gateway, which does not say which one. */
  | { readonly kind: 'gateway'; readonly error: CodeInterpreterError };

/** Undefined for what this version does not know. */
export function hear(text: string): Heard | undefined {
  const json = jsonOf(text);
  const envelope = z.safeParse(openEnvelope, json);
  if (!envelope.success) return gatewayError(json);
  const { type, payload, correlationId: to } = envelope.data;
  if (type === 'execution.output' || type === 'file.change') {
    const read = z.safeParse(OutputPayload, payload);
    return read.success ? { kind: 'output', ...read.data } : undefined;
  }
  if (type === 'execution.error') {
    const read = z.safeParse(BrokenPayload, payload);
    if (!read.success) return undefined;
    const { executionId, error } = read.data;
    return { kind: 'broken', executionId, error: errorOf(error) };
  }
  if (type === 'error') {
    const read = z.safeParse(ErrorPayload, payload);
    if (!read.success || to === undefined) return undefined;
    return { kind: 'refusal', to, error: errorOf(read.data.error) };
  }
  const message = readFromServer(json);
  if (!message) return undefined;
  return to === undefined ? { kind: 'push', message } : { kind: 'answer', to, message };
}

function gatewayError(json: unknown): Heard | undefined {
  const read = z.safeParse(GatewayWords, json);
  if (!read.success) return undefined;
  const { message, requestId } = read.data;
  const facts = { requestId, retryable: message !== 'Forbidden' };
  const code = message === 'Forbidden' ? 'PERMISSION_DENIED' : 'INTERNAL_ERROR';
  return { kind: 'gateway', error: new CodeInterpreterError(code, message, facts) };
}

const errorOf = ({ code, message, ...facts }: z.infer<typeof AnyError>): CodeInterpreterError =>
  new CodeInterpreterError(code, message, facts);
