/**
 * S3 for one machine: objects as files, path style, every body checked before its object can be seen.
 * Signatures were checked by whoever calls `handle`; the body is still unread then and never held in memory whole.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { AwsRequest, AwsService, UncheckedRequest } from '../service.ts';
import { splitTarget } from '../shared/canonical-request.ts';
import { parseAuthorization } from '../sigv4.ts';
import { Bucket, type BucketOptions } from './bucket.ts';
import { allowOrigin, answerPreflight } from './cors.ts';
import { noSuchBucket, S3Error } from './errors.ts';
import { sendError } from './exchange.ts';
import { sweepBucket } from './lifecycle.ts';
import { listRight, s3Rights } from './rights.ts';
import { operationOf, parseTarget } from './routes.ts';

export interface S3Options {
  readonly directory: string;
  /** Told of what is a fault of the stand-in, not of a caller. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
}

const SWEEP_MS = 3600 * 1000;
const MAX_KEY_BYTES = 1024;
const BUCKET_NAME = /^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

export class S3Service implements AwsService {
  readonly name = 's3';
  readonly #options: S3Options;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();
  readonly #timer: NodeJS.Timeout;
  #sweep: Promise<void> = Promise.resolve();

  constructor(options: S3Options) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#timer = setInterval(() => this.#startSweep(), SWEEP_MS);
    this.#timer.unref();
  }

  /** A bucket of a former run keeps its objects, less those that its lifecycle ends. */
  async createBucket(name: string, options: BucketOptions = {}): Promise<void> {
    if (!BUCKET_NAME.test(name)) {
      throw new Error(`'${name}' is no bucket name: 3 to 63 of a-z 0-9 . -, no two dots in a row`);
    }
    if (this.#buckets.has(name)) throw new Error(`The bucket '${name}' was created already`);
    const bucket = await Bucket.open(name, join(this.#options.directory, name), options);
    await sweepBucket(bucket, this.#now());
    this.#buckets.set(name, bucket);
  }

  rights({ incoming }: UncheckedRequest) {
    return s3Rights(incoming);
  }

  async handle(request: AwsRequest, response: ServerResponse): Promise<void> {
    const { incoming } = request;
    const { path, query } = splitTarget(incoming.url ?? '/');
    response.setHeader('x-amz-request-id', randomBytes(8).toString('hex').toUpperCase());
    try {
      await this.#serve(incoming, response, path, new URLSearchParams(query));
    } catch (error) {
      // What is left of the body is read off, so that the caller comes to read the answer.
      incoming.resume();
      if (response.headersSent || incoming.socket.destroyed) {
        response.destroy();
        return;
      }
      if (!(error instanceof S3Error)) this.#options.onError?.(error);
      const known =
        error instanceof S3Error
          ? hiddenFrom(request, path, error)
          : new S3Error('InternalError', 500, 'We encountered an internal error.');
      sendError(incoming, response, known, path);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweep;
  }

  async #serve(
    incoming: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): Promise<void> {
    const target = parseTarget(path);
    const bucket = this.#bucket(target.bucket);
    const method = incoming.method ?? 'GET';
    if (method === 'OPTIONS') {
      answerPreflight(bucket, incoming, response);
      return;
    }
    allowOrigin(bucket, incoming, response);
    if (Buffer.byteLength(target.key) > MAX_KEY_BYTES) {
      throw new S3Error('KeyTooLongError', 400, 'Your key is too long');
    }
    const authorization = parseAuthorization(incoming);
    const operation = operationOf(method, target.key, query, incoming.headers);
    await operation({
      incoming,
      response,
      bucket,
      key: target.key,
      query,
      payloadClaim: authorization.ok ? authorization.payloadClaim : undefined,
      now: this.#now(),
      bucketNamed: (name) => this.#bucket(name),
    });
  }

  #bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw noSuchBucket();
    return bucket;
  }

  #startSweep(): void {
    this.#sweep = this.#sweep
      .then(async () => {
        for (const bucket of this.#buckets.values()) await sweepBucket(bucket, this.#now());
      })
      .catch((error: unknown) => this.#options.onError?.(error));
  }
}

/** Whoever may not list is not told that an object is not there. */
function hiddenFrom({ has }: AwsRequest, path: string, error: S3Error): S3Error {
  if (error.code !== 'NoSuchKey' || has(listRight(parseTarget(path).bucket))) return error;
  return new S3Error('AccessDenied', 403, 'Access Denied');
}
