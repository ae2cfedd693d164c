/**
 * Whether a client may connect: identity sources, authorizer, `$connect`, in this order. Only then is the handshake
 * answered, so nothing can be posted to a connection before `$connect` has returned.
 */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FunctionInvoker } from '../../lambda/types.ts';
import { askAuthorizer } from '../authorizer.ts';
import { GatewayRefusal } from '../gateway-response.ts';
import { type GatewayRequest, headerOf } from '../request.ts';
import type { ConnectionFacts } from './connection.ts';
import type { IdentitySource, WebSocketApiDefinition } from './definition.ts';
import { authorizerEvent, connectEvent, factsOf, newId } from './events.ts';
import { callRoute } from './route-call.ts';

export interface Refused {
  readonly admitted: false;
  readonly statusCode: number;
  readonly message: string;
  readonly connectionId: string;
  readonly cause?: unknown;
}

export interface Admitted {
  readonly admitted: true;
  readonly facts: ConnectionFacts;
  /** Of those that the client offered, the one that `$connect` chose. */
  readonly subprotocol: string | undefined;
}

function has(request: GatewayRequest, { place, name }: IdentitySource): boolean {
  const value = place === 'header' ? headerOf(request, name) : request.query[name]?.at(-1);
  return value !== undefined && value !== '';
}

/** The facts with what the authorizer says of the client; throws its refusal. */
async function authorized(
  invoker: FunctionInvoker,
  api: WebSocketApiDefinition,
  { request, facts }: { request: GatewayRequest; facts: ConnectionFacts },
): Promise<ConnectionFacts> {
  const authorizer = api.routes.get('$connect')?.authorizer;
  if (authorizer === undefined) return facts;
  if (!authorizer.identitySources.every((source) => has(request, source)))
    throw new GatewayRefusal('UNAUTHORIZED');
  const methodArn = `arn:aws:execute-api:${api.region}:${api.accountId}:${api.apiId}/${api.stageName}/$connect`;
  const context = await askAuthorizer({
    invoker,
    functionName: authorizer.functionName,
    methodArn,
    event: authorizerEvent(api, facts, { request, methodArn, requestId: newId() }),
  });
  return { ...facts, authorizer: context };
}

export async function shakeHands(
  invoker: FunctionInvoker,
  api: WebSocketApiDefinition,
  request: GatewayRequest,
): Promise<Admitted | Refused> {
  const unknown = factsOf(api, request);
  const { connectionId } = unknown;
  let facts: ConnectionFacts;
  try {
    facts = await authorized(invoker, api, { request, facts: unknown });
  } catch (error) {
    if (!(error instanceof GatewayRefusal)) throw error;
    const { statusCode, text, cause } = error;
    return { admitted: false, statusCode, message: text, connectionId, cause };
  }
  const route = api.routes.get('$connect');
  if (route === undefined) return { admitted: true, facts, subprotocol: undefined };
  const event = connectEvent(api, facts, { request, requestId: newId() });
  const outcome = await callRoute(invoker, route, event);
  if (!outcome.ok) {
    const statusCode = outcome.message === 'Internal server error' ? 502 : 504;
    return { ...outcome, admitted: false, statusCode, connectionId };
  }
  const { statusCode, headers } = outcome.answer;
  if (statusCode !== 200) {
    const message = STATUS_CODES[statusCode] ?? '';
    return { admitted: false, statusCode, message, connectionId };
  }
  const chosen = Object.entries(headers ?? {}).find(
    ([name]) => name.toLowerCase() === 'sec-websocket-protocol',
  );
  return { admitted: true, facts, subprotocol: chosen?.[1] };
}

/** Answers a handshake as plain HTTP, and ends the connection. */
export function refuseHandshake(
  socket: Duplex,
  { statusCode, message, connectionId }: Omit<Refused, 'admitted'>,
): void {
  const requestId = newId();
  const body = JSON.stringify({ message, connectionId, requestId });
  socket.end(
    [
      `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? 'Refused'}`,
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `x-amzn-RequestId: ${requestId}`,
      '',
      body,
    ].join('\r\n'),
    () => socket.destroy(),
  );
}
