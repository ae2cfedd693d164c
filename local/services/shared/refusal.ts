/**
 * How a request is refused before any service sees it: the error codes that AWS gives for a bad signature
 * or a right that is missing, which differ between S3 (XML) and the rest (JSON). It must never say which part of a signature was wrong.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { escapeXml } from './xml.ts';

export interface Refusal {
  readonly ok: false;
  /** Service of the credential scope, where one could be read. */
  readonly service: string | undefined;
  readonly code: string;
  readonly status: number;
  readonly message: string;
}

export type RefusalKind =
  | 'missing'
  | 'malformed'
  | 'unknown-key'
  | 'mismatch'
  | 'expired'
  | 'skewed'
  | 'payload'
  | 'unsigned-headers'
  /** Signed well, but not allowed. */
  | 'denied';

const S3_CODES: Record<RefusalKind, readonly [code: string, status: number]> = {
  missing: ['AccessDenied', 403],
  malformed: ['AuthorizationHeaderMalformed', 400],
  'unknown-key': ['InvalidAccessKeyId', 403],
  mismatch: ['SignatureDoesNotMatch', 403],
  expired: ['AccessDenied', 403],
  skewed: ['RequestTimeTooSkewed', 403],
  payload: ['XAmzContentSHA256Mismatch', 400],
  'unsigned-headers': ['AccessDenied', 403],
  denied: ['AccessDenied', 403],
};

const OTHER_CODES: Record<RefusalKind, string> = {
  missing: 'MissingAuthenticationTokenException',
  malformed: 'IncompleteSignatureException',
  'unknown-key': 'UnrecognizedClientException',
  mismatch: 'InvalidSignatureException',
  expired: 'InvalidSignatureException',
  skewed: 'InvalidSignatureException',
  payload: 'InvalidSignatureException',
  'unsigned-headers': 'InvalidSignatureException',
  denied: 'AccessDeniedException',
};

/** Services with REST routes answer 403, those with an `X-Amz-Target` header 400. */
const REST_SERVICES = new Set(['lambda', 'execute-api', 'apigateway']);

export function refuse(kind: RefusalKind, service: string | undefined, message: string): Refusal {
  if (service === 's3') {
    const [code, status] = S3_CODES[kind];
    return { ok: false, service, code, status, message };
  }
  const status = service === undefined || REST_SERVICES.has(service) ? 403 : 400;
  return { ok: false, service, code: OTHER_CODES[kind], status, message };
}

/** Answers in the service's own form; the body of the request is read off so that the connection stays usable. */
export function sendRefusal(
  refusal: Refusal,
  incoming: IncomingMessage,
  response: ServerResponse,
): void {
  incoming.resume();
  const requestId = randomUUID();
  const xml = refusal.service === 's3';
  const body = xml
    ? `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${refusal.code}</Code><Message>${escapeXml(refusal.message)}</Message><RequestId>${requestId}</RequestId></Error>`
    : JSON.stringify({ __type: refusal.code, message: refusal.message });
  response.writeHead(refusal.status, {
    'content-type': xml ? 'application/xml' : 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(body),
    'x-amzn-errortype': refusal.code,
    'x-amzn-requestid': requestId,
  });
  response.end(incoming.method === 'HEAD' ? undefined : body);
}
