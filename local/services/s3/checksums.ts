/**
 * Checksums of a body while it passes: MD5 for the ETag, CRC32 always, SHA-1 and SHA-256 where somebody claims one.
 * Claims count only as headers and trailers: S3 ignores those that a presigned URL carries in its query.
 */
import { createHash, type Hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32 } from 'node:zlib';
import { badDigest, notServed, S3Error } from './errors.ts';

const PREFIX = 'x-amz-checksum-';
const SERVED = ['crc32', 'sha1', 'sha256'] as const;
type ChecksumName = (typeof SERVED)[number];

/** Base64, as the headers carry them. */
export type Checksums = Partial<Record<ChecksumName, string>>;

export interface Claims {
  /** SHA-256 in hex, as the signature covers it. */
  readonly signedSha256: string | undefined;
  readonly contentMd5: string | undefined;
  readonly checksums: Checksums;
  /** Comes after the body. */
  readonly trailer: ChecksumName | undefined;
}

export function claimsOf(headers: IncomingHttpHeaders, payloadClaim: string | undefined): Claims {
  const checksums: Checksums = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(PREFIX) || typeof value !== 'string') continue;
    const algorithm = name.slice(PREFIX.length);
    if (algorithm === 'algorithm' || algorithm === 'mode' || algorithm === 'type') continue;
    checksums[served(algorithm)] = value;
  }
  const contentMd5 = headers['content-md5'];
  const md5 = typeof contentMd5 === 'string' ? contentMd5 : undefined;
  if (md5 !== undefined && Buffer.from(md5, 'base64').length !== 16) {
    throw new S3Error('InvalidDigest', 400, 'The Content-MD5 you specified is not valid.');
  }
  const announced = headers['x-amz-trailer'];
  const trailer =
    typeof announced === 'string' && announced.startsWith(PREFIX)
      ? served(announced.slice(PREFIX.length))
      : undefined;
  const signedSha256 =
    payloadClaim && /^[0-9a-f]{64}$/.test(payloadClaim) ? payloadClaim : undefined;
  return { signedSha256, contentMd5: md5, checksums, trailer };
}

export function checksumHeaders(checksums: Checksums): Record<string, string> {
  return Object.fromEntries(
    Object.entries(checksums).map(([name, value]) => [`${PREFIX}${name}`, value]),
  );
}

export class BodyDigest {
  readonly #md5 = createHash('md5');
  readonly #sha256: Hash | undefined;
  readonly #sha1: Hash | undefined;
  readonly #claims: Claims;
  #crc32 = 0;

  constructor(claims: Claims) {
    const claimed = (name: ChecksumName) => name in claims.checksums || claims.trailer === name;
    this.#claims = claims;
    this.#sha1 = claimed('sha1') ? createHash('sha1') : undefined;
    this.#sha256 = claimed('sha256') || claims.signedSha256 ? createHash('sha256') : undefined;
  }

  update(bytes: Buffer): void {
    this.#md5.update(bytes);
    this.#sha1?.update(bytes);
    this.#sha256?.update(bytes);
    this.#crc32 = crc32(bytes, this.#crc32);
  }

  /** Checks every claim; the answer is what is worth keeping beside the object. */
  finish(trailers: ReadonlyMap<string, string>): { md5: string; checksums: Checksums } {
    const md5 = this.#md5.digest();
    const sha256 = this.#sha256?.digest();
    const { signedSha256, contentMd5, checksums: claimed, trailer } = this.#claims;
    if (signedSha256 !== undefined && signedSha256 !== sha256?.toString('hex')) {
      const message =
        "The provided 'x-amz-content-sha256' header does not match what was computed.";
      throw new S3Error('XAmzContentSHA256Mismatch', 400, message);
    }
    if (contentMd5 !== undefined && contentMd5 !== md5.toString('base64')) {
      throw badDigest('Content-MD5');
    }
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(this.#crc32);
    const computed: Record<ChecksumName, string | undefined> = {
      crc32: crc.toString('base64'),
      sha1: this.#sha1?.digest('base64'),
      sha256: sha256?.toString('base64'),
    };
    const kept: Checksums = {};
    for (const name of SERVED) {
      const wanted = trailer === name ? (trailers.get(PREFIX + name) ?? '') : claimed[name];
      const value = computed[name];
      if (wanted !== undefined && wanted !== value) throw badDigest(name.toUpperCase());
      if (value !== undefined && (wanted !== undefined || name === 'crc32')) kept[name] = value;
    }
    return { md5: md5.toString('hex'), checksums: kept };
  }
}

function served(algorithm: string): ChecksumName {
  const found = SERVED.find((name) => name === algorithm);
  if (found === undefined) {
    throw notServed(`the checksum '${algorithm}' (served: ${SERVED.join(', ')})`);
  }
  return found;
}
