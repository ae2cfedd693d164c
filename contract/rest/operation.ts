/**
 * The shape of an operation: one row of the API's table, from which routes, parsing, answers,
 * OpenAPI and the SDK's types all come.
 */
import * as z from 'zod/mini';
import type { ErrorCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { RequestHeader } from './headers.ts';

export const ROLES = ['viewer', 'developer', 'admin', 'operator'] as const;
export type Role = (typeof ROLES)[number];

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Row {
  readonly method: HttpMethod;
  /** Below `/api/v1`, with `{name}` parameters. */
  readonly path: string;
  /** The least role that may call it; `anyone` needs no key. */
  readonly role: Role | 'anyone';
  readonly summary: string;
  readonly params?: z.core.$ZodType;
  readonly query?: z.core.$ZodType;
  /** Headers that it reads, beside those of every request. */
  readonly headers?: readonly RequestHeader[];
  readonly body?: z.core.$ZodType;
  /** True where no body is the same as `{}`. */
  readonly bodyOptional?: true;
  /** `data` of the envelope, by status. */
  readonly answers: Readonly<Record<number, z.core.$ZodType>>;
  /** True where the caller may ask for `text/event-stream`. */
  readonly streams?: true;
  /** Beside those that every operation may answer. */
  readonly errors: readonly ErrorCode[];
}

export type Operation = Row;

/** A body or an answer that is bytes, of any type and outside the envelope. */
export const Bytes = z.instanceof(Uint8Array);
/** An answer without a body. */
export const Nothing = z.undefined();

/** Keeps the row's own types. */
export const operation = <const R extends Row>(row: R): R => row;

export type ParamsOf<O extends Operation> = O extends { params: infer P extends z.core.$ZodType }
  ? z.output<P>
  : undefined;
export type QueryOf<O extends Operation> = O extends { query: infer Q extends z.core.$ZodType }
  ? z.output<Q>
  : undefined;
export type BodyOf<O extends Operation> = O extends { body: infer B extends z.core.$ZodType }
  ? z.output<B>
  : undefined;

/** A whole number in a query string. */
export const QueryInt = z.pipe(
  z.pipe(z.string().check(z.regex(/^\d{1,15}$/, 'must be a whole number')), z.transform(Number)),
  z.int(),
);

export const Page = z.object({
  limit: z.optional(QueryInt.check(z.positive(), z.maximum(LIMITS.pageSize.max))),
  cursor: z.optional(
    z.string().check(z.regex(/^[A-Za-z0-9_-]{1,1024}$/, 'must be a cursor of an earlier answer')),
  ),
});

export const pageOf = <S extends z.core.$ZodType>(item: S) =>
  z.object({ items: z.array(item), nextCursor: z.nullable(z.string()) });
