import { createHash, createHmac, hash } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRfc3986 } from '../../../local/services/shared/canonical-request.ts';
import {
  parseAuthorization,
  type SignedRequest,
  verifySignature,
} from '../../../local/services/sigv4.ts';

const NOW = Date.UTC(2026, 4, 17, 12, 0, 0);
const KEY = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG' };
const secretFor = (key: string) => (key === KEY.accessKeyId ? KEY.secretAccessKey : undefined);

class Sha256 {
  #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined
        ? createHash('sha256')
        : createHmac('sha256', typeof secret === 'string' ? secret : Buffer.from(bytes(secret)));
  }
  update(data: string | ArrayBuffer | ArrayBufferView) {
    this.#hash.update(typeof data === 'string' ? data : bytes(data));
  }
  async digest() {
    return new Uint8Array(this.#hash.digest());
  }
  reset() {}
}

const bytes = (data: ArrayBuffer | ArrayBufferView) =>
  ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);

interface Sample {
  method?: string;
  path?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: string;
}

const signer = (service: string) =>
  new SignatureV4({
    credentials: KEY,
    region: 'eu-west-1',
    service,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
    applyChecksum: service === 's3',
  });

const toRequest = (sample: Sample) => ({
  method: sample.method ?? 'POST',
  protocol: 'http:',
  hostname: '127.0.0.1',
  path: sample.path ?? '/',
  query: sample.query ?? {},
  headers: { host: '127.0.0.1:4566', ...sample.headers },
  body: sample.body ?? '',
});

/** As the SDK would put it on the wire. */
function onTheWire(signed: {
  method: string;
  path: string;
  query?: Record<string, string | string[] | null>;
  headers: Record<string, string>;
}): SignedRequest {
  const query = Object.entries(signed.query ?? {})
    .map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(String(value))}`)
    .join('&');
  const headers = Object.fromEntries(
    Object.entries(signed.headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return { method: signed.method, url: query ? `${signed.path}?${query}` : signed.path, headers };
}

async function sign(service: string, sample: Sample = {}) {
  const signed = await signer(service).sign(toRequest(sample), { signingDate: new Date(NOW) });
  return onTheWire(signed);
}

async function presign(service: string, sample: Sample = {}, expiresIn = 60) {
  // As the presigner of S3 does: the body is left out of the signature.
  const headers: Record<string, string> = { ...sample.headers };
  if (service === 's3') headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
  const signed = await signer(service).presign(toRequest({ method: 'GET', ...sample, headers }), {
    signingDate: new Date(NOW),
    expiresIn,
  });
  return onTheWire(signed);
}

const verify = (request: SignedRequest, body?: string, now = NOW) =>
  verifySignature({
    request,
    bodySha256: body === undefined ? undefined : hash('sha256', body),
    secretFor,
    now,
  });

describe('signature version 4 in the headers', () => {
  it('names who signed, for which service and region, and which headers', async () => {
    const request = await sign('dynamodb', {
      headers: { 'x-amz-target': 'X.GetItem' },
      body: '{}',
    });
    expect(verify(request, '{}')).toMatchObject({
      ok: true,
      form: 'header',
      accessKeyId: KEY.accessKeyId,
      region: 'eu-west-1',
      service: 'dynamodb',
      signedHeaders: ['host', 'x-amz-date', 'x-amz-target'],
    });
  });

  it('accepts whatever the SDK signs: any path, query, header and body', async () => {
    const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
    const sample = fc.record({
      path: fc
        .array(segment.map(encodeRfc3986), { maxLength: 4 })
        .map((segments) => `/${segments.join('/')}`),
      query: fc.dictionary(fc.stringMatching(/^[a-z][a-z+ ]{0,6}$/), segment, { maxKeys: 4 }),
      headers: fc.constantFrom({}, { 'x-amz-meta-a': '  two   words ' }, { 'content-type': 'a/b' }),
      body: fc.string({ unit: 'grapheme', maxLength: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(sample, fc.constantFrom('s3', 'lambda'), async (sample, service) => {
        const request = await sign(service, sample);
        expect(verify(request, sample.body)).toMatchObject({ ok: true, service });
      }),
      { numRuns: 60 },
    );
  });

  it('refuses a changed method, path, query, signed header or body', async () => {
    const request = await sign('dynamodb', { query: { a: '1' }, headers: { 'x-amz-target': 'T' } });
    const changed: SignedRequest[] = [
      { ...request, method: 'PUT' },
      { ...request, url: '/other?a=1' },
      { ...request, url: '/?a=2' },
      { ...request, headers: { ...request.headers, 'x-amz-target': 'U' } },
    ];
    for (const other of changed) {
      expect(verify(other, '')).toMatchObject({ code: 'InvalidSignatureException', status: 400 });
    }
    expect(verify(request, 'x')).toMatchObject({ code: 'InvalidSignatureException' });
    expect(verify(request, '')).toMatchObject({ ok: true });
  });

  it('refuses a body that is not the one whose hash was signed', async () => {
    const request = await sign('s3', { method: 'PUT', body: 'one' });
    expect(verify(request, 'two')).toMatchObject({
      code: 'XAmzContentSHA256Mismatch',
      status: 400,
    });
    expect(verify(request)).toMatchObject({ ok: true, payloadClaim: hash('sha256', 'one') });
  });

  it('refuses an unknown key and a wrong secret, each with the code of its service', async () => {
    for (const [service, unknown, wrong] of [
      ['s3', 'InvalidAccessKeyId', 'SignatureDoesNotMatch'],
      ['ecs', 'UnrecognizedClientException', 'InvalidSignatureException'],
    ] as const) {
      const request = await sign(service);
      const input = { request, bodySha256: hash('sha256', ''), now: NOW };
      expect(verifySignature({ ...input, secretFor: () => undefined })).toMatchObject({
        ok: false,
        code: unknown,
      });
      expect(verifySignature({ ...input, secretFor: () => 'other' })).toMatchObject({
        code: wrong,
      });
    }
  });

  it('allows 15 minutes of clock skew both ways and no more', async () => {
    const request = await sign('s3');
    const minutes = (count: number) => NOW + count * 60_000;
    expect(verify(request, '', minutes(15))).toMatchObject({ ok: true });
    expect(verify(request, '', minutes(-15))).toMatchObject({ ok: true });
    expect(verify(request, '', minutes(15) + 1000)).toMatchObject({ code: 'RequestTimeTooSkewed' });
    expect(verify(request, '', minutes(-16))).toMatchObject({ code: 'RequestTimeTooSkewed' });
  });

  it('refuses an x-amz header on S3 that the signature does not cover', async () => {
    const request = await sign('s3');
    const headers = { ...request.headers, 'x-amz-acl': 'public-read' };
    expect(verify({ ...request, headers }, '')).toMatchObject({
      code: 'AccessDenied',
      status: 403,
    });
  });

  it('says what is missing or malformed, whatever the header holds', async () => {
    const bare = { method: 'GET', url: '/', headers: { host: 'x' } };
    expect(parseAuthorization(bare)).toMatchObject({ code: 'MissingAuthenticationTokenException' });
    const good = await sign('s3');
    const authorization = good.headers.authorization ?? '';
    for (const broken of [
      authorization.replace('HMAC', 'NONE'),
      authorization.replace('aws4_request', 'aws5'),
      authorization.replace('host;', ''),
      authorization.replace(/Signature=.*/, 'Signature=00'),
      authorization.replace(/20260517\//, '20260518/'),
    ]) {
      const request = { ...good, headers: { ...good.headers, authorization: broken } };
      expect(verify(request, '')).toMatchObject({ ok: false, status: 400 });
    }
    fc.assert(
      fc.property(fc.string(), fc.string(), (authorization, url) => {
        const request = { method: 'GET', url, headers: { host: 'x', authorization } };
        expect(verify(request, '').ok).toBe(false);
      }),
    );
  });
});

describe('a presigned request', () => {
  it('is valid until X-Amz-Expires and not a second longer', async () => {
    const request = await presign('s3', { path: '/bucket/a%20key' }, 60);
    expect(verify(request, undefined, NOW + 60_000)).toMatchObject({ ok: true, form: 'query' });
    expect(verify(request, undefined, NOW + 61_000)).toMatchObject({
      code: 'AccessDenied',
      message: 'Request has expired',
    });
  });

  it('is refused for another key, another method or a raised expiry', async () => {
    const request = await presign('s3', { path: '/bucket/key' });
    for (const other of [
      { ...request, url: request.url?.replace('/key', '/other') },
      { ...request, method: 'PUT' },
      { ...request, url: request.url?.replace('X-Amz-Expires=60', 'X-Amz-Expires=600') },
    ]) {
      expect(verify(other)).toMatchObject({ code: 'SignatureDoesNotMatch', status: 403 });
    }
    const endless = { ...request, url: request.url?.replace('Expires=60', 'Expires=9999999') };
    expect(verify(endless)).toMatchObject({ ok: false, status: 400 });
  });

  it('is refused when it is signed in a header as well', async () => {
    const request = await presign('s3');
    const headers = { ...request.headers, authorization: 'AWS4-HMAC-SHA256 x' };
    expect(verify({ ...request, headers })).toMatchObject({ ok: false, status: 400 });
  });
});
