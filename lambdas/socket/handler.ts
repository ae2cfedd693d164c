/**
 * `socket`: clients of the WebSocket API come, send messages and go. What fails is told to the
 * client as a message of type `error`; API Gateway itself is always answered 200, but on $connect.
 */
import * as z from 'zod/mini';
import { AppError, statusOf } from '../../contract/errors.ts';
import { SOCKET_LIMITS } from '../../contract/socket/limits.ts';
import { MessageId } from '../../contract/socket/message.ts';
import { parseToServer } from '../../contract/socket/to-server.ts';
import { connect } from '../../core/socket/connect.ts';
import { handleMessage } from '../../core/socket/handle-message.ts';
import { answerId, errorText, messageText } from '../../core/socket/outbound.ts';
import { post } from '../../core/socket/post.ts';
import { assertStanding } from '../../core/socket/standing.ts';
import { callerFrom } from '../shared/caller-context.ts';
import { parseEnv } from '../shared/env.ts';
import { internalError } from '../shared/rest-answer.ts';
import { untrustedJson } from '../shared/untrusted-json.ts';
import { SocketEnv } from './env.ts';
import { wire } from './wire.ts';

const deps = wire(parseEnv(SocketEnv));

const SocketEvent = z.object({
  body: z.optional(z.nullable(z.string())),
  isBase64Encoded: z.optional(z.boolean()),
  requestContext: z.object({
    eventType: z.enum(['CONNECT', 'MESSAGE', 'DISCONNECT']),
    connectionId: z.string(),
    requestId: z.string(),
    authorizer: z.optional(z.unknown()),
  }),
});
type SocketEvent = z.infer<typeof SocketEvent>;

/** Levels of objects that a message's schemas name: the message, its payload, the payload's env. */
const NAMED_LEVELS = 3;

export async function handler(event: unknown): Promise<{ statusCode: number }> {
  const read = SocketEvent.parse(event);
  const { eventType, connectionId } = read.requestContext;
  switch (eventType) {
    case 'CONNECT':
      return come(read);
    case 'DISCONNECT':
      await deps.sockets.remove(connectionId);
      return { statusCode: 200 };
    case 'MESSAGE':
      await answer(read);
      return { statusCode: 200 };
  }
}

async function come({ requestContext }: SocketEvent): Promise<{ statusCode: number }> {
  try {
    await connect(deps, requestContext.connectionId, callerFrom(requestContext.authorizer));
    return { statusCode: 200 };
  } catch (error) {
    if (error instanceof AppError) return { statusCode: statusOf(error.code) };
    throw error;
  }
}

async function answer(event: SocketEvent): Promise<void> {
  const { connectionId, requestId } = event.requestContext;
  let messageId: string | undefined;
  try {
    const json = messageOf(event);
    messageId = idOf(json);
    const message = parseToServer(json);
    const caller = callerFrom(event.requestContext.authorizer);
    await assertStanding(deps, connectionId, { caller, anew: message.type === 'subscribe' });
    const answered = { caller, connectionId, messageId: message.id };
    const given = await handleMessage(deps, message, answered);
    if (!given) return;
    const id = answerId(message.id);
    const text = messageText(deps.clock, { ...given, id, correlationId: message.id });
    await post(deps, connectionId, text);
  } catch (error) {
    const known = error instanceof AppError ? error : internalError(error, requestId);
    const text = errorText(deps.clock, known, { answers: messageId, requestId });
    await post(deps, connectionId, text);
  }
}

function messageOf({ body, isBase64Encoded }: SocketEvent): unknown {
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > SOCKET_LIMITS.messageBytes) {
    throw new AppError(
      'PAYLOAD_TOO_LARGE',
      `A message must be at most ${SOCKET_LIMITS.messageBytes} bytes, got ${bytes.length}. Send code and input that are larger by REST.`,
      { details: { bytes: bytes.length, allowedBytes: SOCKET_LIMITS.messageBytes } },
    );
  }
  return untrustedJson(bytes, 'message', NAMED_LEVELS);
}

/** So that also a message that is refused finds its sender. */
function idOf(json: unknown): string | undefined {
  const read = z.object({ id: MessageId }).safeParse(json);
  return read.success ? read.data.id : undefined;
}
