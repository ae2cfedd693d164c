/**
 * One request as API Gateway sees it, read once: ids, stage and path, headers, query, body, and the request context
 * that authorizer, function and gateway response share. It decides nothing.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RestApiDefinition } from './definition.ts';

/** Bytes of a request or response body that API Gateway carries. */
export const payloadLimitBytes = 10 * 1024 * 1024;

export type Multi = Readonly<Record<string, readonly string[]>>;

export interface GatewayRequest {
  readonly requestId: string;
  readonly extendedRequestId: string;
  readonly httpMethod: string;
  /** First path segment. */
  readonly stage: string;
  /** What follows the stage, still percent-encoded, as events carry it. */
  readonly path: string;
  readonly fullPath: string;
  readonly query: Multi;
  readonly headers: Multi;
  readonly sourceIp: string;
  readonly receivedAt: Date;
}

function collect(pairs: Iterable<readonly [string, string]>): Multi {
  const grouped = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const values = grouped.get(name);
    if (values === undefined) grouped.set(name, [value]);
    else values.push(value);
  }
  return Object.fromEntries(grouped);
}

function* headerPairs(rawHeaders: readonly string[]): Iterable<readonly [string, string]> {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    yield [rawHeaders[index] ?? '', rawHeaders[index + 1] ?? ''];
}

/** Case-insensitive; the last value counts, as in an event's `headers`. */
export function headerOf({ headers }: GatewayRequest, name: string): string | undefined {
  const wanted = name.toLowerCase();
  const found = Object.keys(headers).find((candidate) => candidate.toLowerCase() === wanted);
  return found === undefined ? undefined : headers[found]?.at(-1);
}

/** Single-valued view of a multi-valued map; null when empty, as events have it. */
export function lastValues(multi: Multi): Record<string, string> | null {
  const entries = Object.entries(multi).map(
    ([name, values]) => [name, values.at(-1) ?? ''] as const,
  );
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

export function multiOrNull(multi: Multi): Multi | null {
  return Object.keys(multi).length === 0 ? null : multi;
}

export function readRequest(incoming: IncomingMessage): GatewayRequest {
  const [fullPath = '/', search = ''] = (incoming.url ?? '/').split(/\?(.*)/s, 2);
  const [, stage = '', rest = ''] = /^\/([^/]*)(.*)$/s.exec(fullPath) ?? [];
  const sourceIp = incoming.socket.remoteAddress ?? '127.0.0.1';
  const requestId = randomUUID();
  const traceId = `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`;
  const own: [string, string][] = [
    ['X-Amzn-Trace-Id', traceId],
    ['X-Forwarded-For', sourceIp],
    ['X-Forwarded-Port', String(incoming.socket.localPort ?? 0)],
    ['X-Forwarded-Proto', 'http'],
  ];
  // What a client claims about its own address is dropped: nothing stands before this gateway.
  const replaced = new Set(own.map(([name]) => name.toLowerCase()));
  const sent = [...headerPairs(incoming.rawHeaders)].filter(
    ([name]) => !replaced.has(name.toLowerCase()) && name.toLowerCase() !== 'connection',
  );
  return {
    requestId,
    extendedRequestId: `${createHash('sha256').update(requestId).digest('base64url').slice(0, 15)}=`,
    httpMethod: incoming.method ?? 'GET',
    stage,
    path: rest === '' ? '/' : rest,
    fullPath,
    query: collect(new URLSearchParams(search)),
    headers: collect([...sent, ...own]),
    sourceIp,
    receivedAt: new Date(),
  };
}

/** `21/Nov/2026:23:59:59 +0000` */
export function requestTime(instant: Date): string {
  const [, day, month, year, time] =
    /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(instant.toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}

/** The `requestContext` of an event; an authorizer's own part comes on top. */
export function requestContextOf(
  request: GatewayRequest,
  api: RestApiDefinition,
  method: { resourceId: string; resourcePath: string },
): Record<string, unknown> {
  return {
    resourceId: method.resourceId,
    resourcePath: method.resourcePath,
    httpMethod: request.httpMethod,
    extendedRequestId: request.extendedRequestId,
    requestTime: requestTime(request.receivedAt),
    path: request.fullPath,
    accountId: api.accountId,
    protocol: 'HTTP/1.1',
    stage: api.stageName,
    domainPrefix: api.apiId,
    requestTimeEpoch: request.receivedAt.getTime(),
    requestId: request.requestId,
    identity: {
      cognitoIdentityPoolId: null,
      accountId: null,
      cognitoIdentityId: null,
      caller: null,
      sourceIp: request.sourceIp,
      principalOrgId: null,
      accessKey: null,
      cognitoAuthenticationType: null,
      cognitoAuthenticationProvider: null,
      userArn: null,
      userAgent: headerOf(request, 'user-agent') ?? null,
      user: null,
    },
    domainName: headerOf(request, 'host') ?? api.apiId,
    deploymentId: api.apiId,
    apiId: api.apiId,
  };
}
