/** The events that functions behind a WebSocket API get: on connecting, for each message, after the end. */
import { randomBytes } from 'node:crypto';
import {
  type GatewayRequest,
  headerOf,
  lastValues,
  type Multi,
  multiOrNull,
  requestTime,
} from '../request.ts';
import type { ConnectionFacts, Ending } from './connection.ts';
import type { WebSocketApiDefinition } from './definition.ts';

/** Sixteen characters that end in `=`, as connections, messages and requests are called on AWS. */
export const newId = (): string => `${randomBytes(11).toString('base64url')}=`;

export const isConnectionId = (text: string): boolean => /^[A-Za-z0-9_-]{15}=$/.test(text);

interface RouteCall {
  readonly routeKey: string;
  readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT';
  readonly requestId: string;
}

function contextOf(
  api: WebSocketApiDefinition,
  facts: ConnectionFacts,
  { routeKey, eventType, requestId }: RouteCall,
): Record<string, unknown> {
  const now = new Date();
  return {
    routeKey,
    ...(facts.authorizer === undefined ? {} : { authorizer: facts.authorizer }),
    eventType,
    extendedRequestId: requestId,
    requestTime: requestTime(now),
    messageDirection: 'IN',
    stage: api.stageName,
    connectedAt: facts.connectedAt.getTime(),
    requestTimeEpoch: now.getTime(),
    identity: {
      ...(facts.userAgent === undefined ? {} : { userAgent: facts.userAgent }),
      sourceIp: facts.sourceIp,
    },
    requestId,
    domainName: facts.domainName,
    connectionId: facts.connectionId,
    apiId: api.apiId,
  };
}

const stageVariablesOf = ({ stageVariables }: WebSocketApiDefinition) =>
  Object.keys(stageVariables).length === 0 ? {} : { stageVariables };

/** The handshake's own headers about the transport are API Gateway's. */
function withoutTransport(headers: Multi): Multi {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'upgrade'),
  );
}

export function authorizerEvent(
  api: WebSocketApiDefinition,
  facts: ConnectionFacts,
  {
    request,
    methodArn,
    requestId,
  }: { request: GatewayRequest; methodArn: string; requestId: string },
): unknown {
  const headers = withoutTransport(request.headers);
  return {
    type: 'REQUEST',
    methodArn,
    headers: lastValues(headers),
    multiValueHeaders: headers,
    queryStringParameters: lastValues(request.query) ?? {},
    multiValueQueryStringParameters: request.query,
    stageVariables: api.stageVariables,
    requestContext: contextOf(api, facts, {
      routeKey: '$connect',
      eventType: 'CONNECT',
      requestId,
    }),
  };
}

/** The only event with the client's headers and query. */
export function connectEvent(
  api: WebSocketApiDefinition,
  facts: ConnectionFacts,
  { request, requestId }: { request: GatewayRequest; requestId: string },
): unknown {
  const headers = withoutTransport(request.headers);
  const query = multiOrNull(request.query);
  return {
    headers: lastValues(headers),
    multiValueHeaders: headers,
    ...(query === null
      ? {}
      : { queryStringParameters: lastValues(query), multiValueQueryStringParameters: query }),
    ...stageVariablesOf(api),
    requestContext: contextOf(api, facts, {
      routeKey: '$connect',
      eventType: 'CONNECT',
      requestId,
    }),
    isBase64Encoded: false,
  };
}

export function messageEvent(
  api: WebSocketApiDefinition,
  facts: ConnectionFacts,
  { routeKey, requestId, body }: { routeKey: string; requestId: string; body: string },
): unknown {
  return {
    ...stageVariablesOf(api),
    requestContext: {
      ...contextOf(api, facts, { routeKey, eventType: 'MESSAGE', requestId }),
      messageId: newId(),
    },
    body,
    isBase64Encoded: false,
  };
}

export function disconnectEvent(
  api: WebSocketApiDefinition,
  facts: ConnectionFacts,
  { code, reason }: Ending,
): unknown {
  const headers = {
    Host: facts.domainName,
    'x-api-key': '',
    'X-Forwarded-For': '',
    'x-restapi': '',
  };
  return {
    headers,
    multiValueHeaders: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, [value]]),
    ),
    ...stageVariablesOf(api),
    requestContext: {
      ...contextOf(api, facts, {
        routeKey: '$disconnect',
        eventType: 'DISCONNECT',
        requestId: newId(),
      }),
      disconnectStatusCode: code,
      disconnectReason: reason,
    },
    isBase64Encoded: false,
  };
}

/** Facts of a handshake before the authorizer has spoken. */
export function factsOf(api: WebSocketApiDefinition, request: GatewayRequest): ConnectionFacts {
  return {
    connectionId: newId(),
    connectedAt: request.receivedAt,
    sourceIp: request.sourceIp,
    userAgent: headerOf(request, 'user-agent'),
    domainName: headerOf(request, 'host') ?? api.apiId,
    authorizer: undefined,
  };
}
