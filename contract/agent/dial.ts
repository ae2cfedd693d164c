/**
 * What a function sends to `agent-gateway` and what comes back: one HTTP request to a task's
 * private address. The answer is one line of JSON (the head), a newline, then the body's bytes as
 * they arrive. A stream that is cut ends as a failed invoke, never cleanly.
 */
import * as z from 'zod/mini';

/** 4 MiB of bytes. */
const MAX_BASE64 = 5_592_408;
/** Presigned; agent-gateway takes none of another bucket. */
const ObjectUrl = z.string().check(z.regex(/^https?:\/\/[\x21-\x7e]+$/), z.maxLength(8192));
const HeaderValue = z.string().check(z.regex(/^[\x20-\x7e]*$/), z.maxLength(1024));

export const DialRequest = z.strictObject({
  /** The task's private IPv4 address. */
  host: z.ipv4(),
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE']),
  /** Path and query, such as `/executions/ex…/events?after=0&epoch=1`. */
  path: z
    .string()
    .check(z.regex(/^\/[\x21-\x7e]*$/, 'must be an origin-form path'), z.maxLength(14_000)),
  /** The control token, sent as a bearer token; absent for `/health` and `/init`. */
  token: z.optional(z.string().check(z.regex(/^[0-9a-f]{64}$/))),
  /** A JSON body. Not as text: escaped twice, 2 MB of quotes would pass what Lambda takes. */
  body: z.optional(z.unknown()),
  /** A body of bytes in its place. */
  base64: z.optional(z.string().check(z.regex(/^[A-Za-z0-9+/]*={0,2}$/), z.maxLength(MAX_BASE64))),
  /** A body from the transfer bucket in its place: bytes `from` to `to` of an object. */
  source: z.optional(z.strictObject({ url: ObjectUrl, from: z.int(), to: z.int() })),
  /** Where the bytes of a 2xx answer go, which must be exactly as many. */
  sink: z.optional(
    z.strictObject({
      url: ObjectUrl,
      sizeBytes: z.int(),
      headers: z.record(z.string(), HeaderValue),
    }),
  ),
  /** What a read or write of a file depends on. */
  headers: z.optional(
    z.strictObject({
      range: z.optional(HeaderValue),
      'if-match': z.optional(HeaderValue),
      'if-none-match': z.optional(HeaderValue),
    }),
  ),
  /** The head must be here by then. */
  headTimeoutMs: z.int().check(z.positive(), z.maximum(840_000)),
  /** The stream is cut after this long without a byte (keepalives count). */
  idleTimeoutMs: z.int().check(z.positive(), z.maximum(300_000)),
});
export type DialRequest = z.infer<typeof DialRequest>;

/** Of the agent's answer, beside its status: what is said of a file. */
export const HEAD_NAMES = ['etag', 'last-modified', 'content-range', 'content-length'] as const;

export const DialHead = z.union([
  z.object({
    status: z.int(),
    headers: z.optional(z.partialRecord(z.enum(HEAD_NAMES), HeaderValue)),
  }),
  /** The transfer bucket's status for the object: for a source one that is no success, for a sink any. */
  z.object({ object: z.int() }),
  /** No answer came: refused, unreachable, reset or late. */
  z.object({ unreachable: z.string() }),
]);
export type DialHead = z.infer<typeof DialHead>;
