/**
 * Verifies AWS Signature Version 4, signed by header or by query (presigned), for every stand-in.
 * It answers who signed and what; it must never let a request through whose signature it has not computed itself.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { canonicalRequest, signature, splitTarget } from './shared/canonical-request.ts';
import { type Refusal, type RefusalKind, refuse } from './shared/refusal.ts';

/** The head of a request; an `IncomingMessage` fits. */
export interface SignedRequest {
  readonly method?: string | undefined;
  /** Path and query as they came over the wire. */
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

export interface Authorization {
  readonly ok: true;
  readonly form: 'header' | 'query';
  readonly accessKeyId: string;
  /** `YYYYMMDD` of the scope. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** Lower case, in the order signed. */
  readonly signedHeaders: readonly string[];
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly amzDate: string;
  /** Presigned requests only. */
  readonly expiresSeconds: number | undefined;
  readonly signature: string;
  /** What the signature says of the body: a SHA-256 in hex, `UNSIGNED-PAYLOAD` or a `STREAMING-…` form; undefined where only the body can tell. */
  readonly payloadClaim: string | undefined;
}

export interface VerifyInput {
  readonly request: SignedRequest;
  /** SHA-256 of the body in hex; undefined while it is unread (S3, which then holds the body to `payloadClaim`). */
  readonly bodySha256?: string | undefined;
  readonly secretFor: (accessKeyId: string) => string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_SKEW_MS = 15 * 60_000;
const MAX_EXPIRES_SECONDS = 7 * 24 * 3600;
const SHA256_HEX = /^[0-9a-f]{64}$/;

export function parseAuthorization(request: SignedRequest): Authorization | Refusal {
  const query = new URLSearchParams(splitTarget(request.url ?? '/').query);
  const header = request.headers.authorization;
  if (query.has('X-Amz-Algorithm') || query.has('X-Amz-Signature')) {
    if (header === undefined) return parseQuery(query, request.headers);
    const service = query.get('X-Amz-Credential')?.split('/')[3];
    return refuse('malformed', service, 'Only one way to sign is allowed: header or query');
  }
  if (header === undefined) return refuse('missing', undefined, 'Missing Authentication Token');
  return parseHeader(header, request.headers);
}

export function verifySignature(input: VerifyInput): Authorization | Refusal {
  const parsed = parseAuthorization(input.request);
  if (!parsed.ok) return parsed;
  const no = (kind: RefusalKind, message: string) => refuse(kind, parsed.service, message);

  const late = lateness(parsed, input.now);
  if (late) return no(late.kind, late.message);
  const unsigned = unsignedAmzHeaders(parsed, input.request.headers);
  if (unsigned.length > 0) {
    return no(
      'unsigned-headers',
      `There were headers present which were not signed: ${unsigned.join(', ')}`,
    );
  }
  const secret = input.secretFor(parsed.accessKeyId);
  if (secret === undefined) return no('unknown-key', 'The access key id is not known here');

  const { payloadClaim } = parsed;
  if (payloadClaim === undefined && parsed.service === 's3') {
    return no('malformed', 'Missing required header for this request: x-amz-content-sha256');
  }
  const payloadHash = payloadClaim ?? input.bodySha256;
  if (payloadHash === undefined) return no('mismatch', 'The body was not hashed');
  const canonical = canonicalRequest({
    method: input.request.method ?? 'GET',
    target: input.request.url ?? '/',
    headers: input.request.headers,
    signedHeaders: parsed.signedHeaders,
    service: parsed.service,
    payloadHash,
  });
  if (canonical === undefined) return no('malformed', 'The path holds a broken percent escape');
  if (!same(signature(secret, parsed.amzDate, parsed, canonical), parsed.signature)) {
    return no('mismatch', 'The request signature we calculated does not match the one provided');
  }
  const { bodySha256 } = input;
  if (bodySha256 !== undefined && SHA256_HEX.test(payloadHash) && payloadHash !== bodySha256) {
    return no('payload', 'The provided x-amz-content-sha256 does not match what was computed');
  }
  return parsed;
}

function parseHeader(header: string, headers: IncomingHttpHeaders): Authorization | Refusal {
  const [algorithm, ...rest] = header.split(' ');
  const fields = new Map(
    rest
      .join('')
      .split(',')
      .map((pair) => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at), pair.slice(at + 1)] as const;
      }),
  );
  return assemble({
    form: 'header',
    algorithm,
    credential: fields.get('Credential'),
    signedHeaders: fields.get('SignedHeaders'),
    signature: fields.get('Signature'),
    amzDate: single(headers['x-amz-date']),
    expires: undefined,
    payloadClaim: single(headers['x-amz-content-sha256']),
  });
}

function parseQuery(query: URLSearchParams, headers: IncomingHttpHeaders): Authorization | Refusal {
  const credential = query.get('X-Amz-Credential') ?? undefined;
  const isS3 = credential?.split('/')[3] === 's3';
  const claim = single(headers['x-amz-content-sha256']) ?? query.get('X-Amz-Content-Sha256');
  return assemble({
    form: 'query',
    algorithm: query.get('X-Amz-Algorithm') ?? undefined,
    credential,
    signedHeaders: query.get('X-Amz-SignedHeaders') ?? undefined,
    signature: query.get('X-Amz-Signature') ?? undefined,
    amzDate: query.get('X-Amz-Date') ?? undefined,
    expires: query.get('X-Amz-Expires') ?? undefined,
    payloadClaim: claim ?? (isS3 ? 'UNSIGNED-PAYLOAD' : undefined),
  });
}

interface RawAuthorization {
  readonly form: 'header' | 'query';
  readonly algorithm: string | undefined;
  readonly credential: string | undefined;
  readonly signedHeaders: string | undefined;
  readonly signature: string | undefined;
  readonly amzDate: string | undefined;
  readonly expires: string | undefined;
  readonly payloadClaim: string | undefined;
}

function assemble(raw: RawAuthorization): Authorization | Refusal {
  const [accessKeyId, date, region, service, terminator, ...more] =
    raw.credential?.split('/') ?? [];
  const no = (message: string) => refuse('malformed', service, message);
  if (raw.algorithm !== ALGORITHM) return no(`The only algorithm supported is ${ALGORITHM}`);
  if (!accessKeyId || !date || !region || !service || terminator !== 'aws4_request' || more[0]) {
    return no('Credential must be <key>/<yyyymmdd>/<region>/<service>/aws4_request');
  }
  const { amzDate } = raw;
  if (amzDate === undefined || !/^\d{8}T\d{6}Z$/.test(amzDate) || !amzDate.startsWith(date)) {
    return no('X-Amz-Date must be YYYYMMDDTHHMMSSZ, on the day of the credential scope');
  }
  const signedHeaders = raw.signedHeaders?.split(';') ?? [];
  if (!signedHeaders.includes('host')) return no("'host' must be a signed header");
  if (!raw.signature || !SHA256_HEX.test(raw.signature))
    return no('Signature must be 64 hex digits');
  const expiresSeconds = raw.form === 'query' ? Number(raw.expires) : undefined;
  if (expiresSeconds !== undefined && !isExpiry(expiresSeconds)) {
    return no(`X-Amz-Expires must be 1 to ${MAX_EXPIRES_SECONDS} seconds, got ${raw.expires}`);
  }
  return {
    ok: true,
    form: raw.form,
    accessKeyId,
    date,
    region,
    service,
    signedHeaders,
    amzDate,
    expiresSeconds,
    signature: raw.signature,
    payloadClaim: raw.payloadClaim,
  };
}

function isExpiry(seconds: number): boolean {
  return Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_EXPIRES_SECONDS;
}

function lateness(
  parsed: Authorization,
  now: number,
): { kind: RefusalKind; message: string } | undefined {
  const signedAt = Date.parse(
    parsed.amzDate.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'),
  );
  if (Number.isNaN(signedAt)) return { kind: 'skewed', message: 'X-Amz-Date is no date' };
  if (signedAt - now > MAX_SKEW_MS) return { kind: 'skewed', message: 'Request is not valid yet' };
  if (parsed.expiresSeconds !== undefined) {
    if (now <= signedAt + parsed.expiresSeconds * 1000) return undefined;
    return { kind: 'expired', message: 'Request has expired' };
  }
  if (now - signedAt <= MAX_SKEW_MS) return undefined;
  return { kind: 'skewed', message: `Signature expired: ${parsed.amzDate} is over 15 min old` };
}

/** S3 refuses every `x-amz-…` header that the signature does not cover: it would change what was signed. */
function unsignedAmzHeaders(parsed: Authorization, headers: IncomingHttpHeaders): string[] {
  if (parsed.service !== 's3') return [];
  return Object.keys(headers).filter(
    (name) => name.startsWith('x-amz-') && !parsed.signedHeaders.includes(name),
  );
}

function same(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value;
}
