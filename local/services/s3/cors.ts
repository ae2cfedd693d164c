/**
 * Cross-origin rules of a bucket: the answer to a preflight, and the headers on every other answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bucket, CorsRule } from './bucket.ts';
import { S3Error } from './errors.ts';
import { sendEmpty } from './exchange.ts';

/** Browsers send a preflight unsigned. */
export function answerPreflight(
  bucket: Bucket,
  incoming: IncomingMessage,
  response: ServerResponse,
): void {
  const method = incoming.headers['access-control-request-method'];
  const wanted = incoming.headers['access-control-request-headers'] ?? '';
  const rule = ruleFor(bucket, incoming.headers.origin, method);
  const names = wanted.split(',').map((name) => name.trim().toLowerCase());
  const allowed = rule?.AllowedHeaders ?? [];
  const refused = names.find((name) => name !== '' && !allowed.some((one) => matches(one, name)));
  if (rule === undefined || refused !== undefined) {
    throw new S3Error('AccessForbidden', 403, 'CORSResponse: This CORS request is not allowed.');
  }
  setHeaders(rule, incoming, response);
  if (wanted !== '') response.setHeader('access-control-allow-headers', wanted);
  if (rule.MaxAge !== undefined) response.setHeader('access-control-max-age', rule.MaxAge);
  sendEmpty(response, 200);
}

export function allowOrigin(
  bucket: Bucket,
  incoming: IncomingMessage,
  response: ServerResponse,
): void {
  const rule = ruleFor(bucket, incoming.headers.origin, incoming.method);
  if (rule !== undefined) setHeaders(rule, incoming, response);
}

function ruleFor(
  bucket: Bucket,
  origin: string | undefined,
  method: string | undefined,
): CorsRule | undefined {
  if (origin === undefined || method === undefined) return undefined;
  return bucket.options.corsRules?.find(
    (rule) =>
      rule.AllowedMethods.includes(method) &&
      rule.AllowedOrigins.some((allowed) => matches(allowed, origin)),
  );
}

function setHeaders(rule: CorsRule, incoming: IncomingMessage, response: ServerResponse): void {
  const any = rule.AllowedOrigins.includes('*');
  response.setHeader('access-control-allow-origin', any ? '*' : (incoming.headers.origin ?? ''));
  response.setHeader('access-control-allow-methods', rule.AllowedMethods.join(', '));
  response.setHeader('vary', 'Origin, Access-Control-Request-Headers');
  const exposed = rule.ExposedHeaders ?? [];
  if (exposed.length > 0) response.setHeader('access-control-expose-headers', exposed.join(', '));
}

/** A pattern holds one `*` at most. */
function matches(pattern: string, text: string): boolean {
  const [head = '', tail] = pattern.toLowerCase().split('*');
  const lower = text.toLowerCase();
  if (tail === undefined) return lower === head;
  const fits = lower.length >= head.length + tail.length;
  return fits && lower.startsWith(head) && lower.endsWith(tail);
}
