/**
 * One S3 request and the ways to answer it. Everything that an operation needs to know of HTTP is here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { escapeXml } from '../shared/xml.ts';
import type { Bucket } from './bucket.ts';
import type { S3Error } from './errors.ts';

export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly bucket: Bucket;
  /** Empty for an operation on the bucket. */
  readonly key: string;
  readonly query: URLSearchParams;
  /** What the signature says of the body. */
  readonly payloadClaim: string | undefined;
  readonly now: number;
  readonly bucketNamed: (name: string) => Bucket;
}

const XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';
const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

/** `inner` holds elements already; texts come from `element`. */
export function sendXml(response: ServerResponse, root: string, inner: string): void {
  const body = `${XML_HEAD}<${root} ${NAMESPACE}>${inner}</${root}>`;
  response.writeHead(200, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

export function element(name: string, value: string | number | boolean | undefined): string {
  return value === undefined ? '' : `<${name}>${escapeXml(String(value))}</${name}>`;
}

export function sendEmpty(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { ...headers, ...(status === 204 ? {} : { 'content-length': '0' }) });
  response.end();
}

export function sendError(
  incoming: IncomingMessage,
  response: ServerResponse,
  error: Pick<S3Error, 'code' | 'status' | 'message' | 'headers'>,
  resource: string,
): void {
  const requestId = String(response.getHeader('x-amz-request-id') ?? '');
  const facts = [
    element('Code', error.code),
    element('Message', error.message),
    element('Resource', resource),
    element('RequestId', requestId),
  ];
  const body = `${XML_HEAD}<Error>${facts.join('')}</Error>`;
  response.writeHead(error.status, {
    ...error.headers,
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(body),
  });
  response.end(incoming.method === 'HEAD' ? undefined : body);
}
