/**
 * What the front door hands to an AWS stand-in: a request whose signature it has checked.
 * A service knows AWS only, never the product.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Right } from './iam/decision.ts';

/** Who signed the request: one access key per Lambda function, so each call can be laid to a role. */
export interface Principal {
  readonly accessKeyId: string;
  /** Name of the function, or of the tool ("operator", "external-presigned"). */
  readonly name: string;
}

export interface AwsRequest {
  /** Service of the SigV4 scope: dynamodb, s3, lambda, ecs, events … */
  readonly service: string;
  /** The operation of an `X-Amz-Target` header; REST services (lambda, s3) work it out from method and path. */
  readonly target: string | undefined;
  readonly principal: Principal;
  /** Unread for `s3` (bodies stream); for every other service use {@link readBody}, which the front door has already buffered. */
  readonly incoming: IncomingMessage;
  readonly url: URL;
  /** The whole body, except for `s3`, where it is undefined and `incoming` is still unread. */
  readonly body: Buffer | undefined;
  /** Whether the caller has a further right, for answers that depend on one. */
  readonly has: (right: Right) => boolean;
}

/** A request as far as it is known before anybody asked what its caller may do. */
export type UncheckedRequest = Omit<AwsRequest, 'has'>;

export interface AwsService {
  /** The SigV4 service name this answers for. */
  readonly name: string;
  /** All that a caller needs for this request; at least one, also for a request that is wrong. */
  rights(request: UncheckedRequest): readonly Right[] | Promise<readonly Right[]>;
  handle(request: AwsRequest, response: ServerResponse): Promise<void>;
  close(): Promise<void>;
}
