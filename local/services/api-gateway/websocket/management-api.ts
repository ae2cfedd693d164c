/**
 * The `@connections` API at the front door: post to a connection, look at it, end it. Answers and refusals are those
 * of API Gateway; whether a caller may is the front door's to check.
 */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { AwsRequest, AwsService, UncheckedRequest } from '../../service.ts';
import type { Connection } from './connection.ts';
import { isConnectionId } from './events.ts';
import { AWS_LIMITS } from './limits.ts';
import { connectionRights } from './rights.ts';

/** The WebSocket API whose connections these are. */
interface ConnectionHost {
  readonly path: string;
  /** `arn:aws:execute-api:<region>:<account>:<api>`. */
  readonly arn: string;
  find(connectionId: string): Connection | undefined;
}

interface Answer {
  readonly statusCode: number;
  readonly errorType?: string;
  readonly body?: unknown;
}

function refusal(statusCode: number, errorType: string, message: string | null): Answer {
  return { statusCode, errorType, body: { message } };
}

const GONE = refusal(410, 'GoneException', null);
const TOO_LARGE = refusal(413, 'PayloadTooLargeException', 'Message too long');
const FULL = refusal(429, 'LimitExceededException', 'The buffer of the client is full');

export class ManagementApi implements AwsService {
  readonly name = 'execute-api';
  readonly #host: ConnectionHost;

  constructor(host: ConnectionHost) {
    this.#host = host;
  }

  rights(request: UncheckedRequest) {
    return connectionRights(this.#host.arn, request);
  }

  async handle(request: AwsRequest, response: ServerResponse): Promise<void> {
    const { statusCode, errorType, body } = this.#answer(request);
    const text = body === undefined ? '' : JSON.stringify(body);
    response.writeHead(statusCode, {
      'content-type': 'application/json',
      'x-amzn-requestid': randomUUID(),
      ...(errorType === undefined ? {} : { 'x-amzn-errortype': errorType }),
    });
    response.end(text);
  }

  /** The connections are the API's to close. */
  async close(): Promise<void> {}

  #answer({ url, incoming, body = Buffer.alloc(0) }: AwsRequest): Answer {
    const prefix = `${this.#host.path}/@connections/`;
    if (!url.pathname.startsWith(prefix)) return refusal(403, 'ForbiddenException', 'Forbidden');
    const connectionId = decoded(url.pathname.slice(prefix.length));
    if (connectionId === undefined || !isConnectionId(connectionId))
      return refusal(400, 'BadRequestException', `Invalid connectionId: ${connectionId ?? ''}`);
    const connection = this.#host.find(connectionId);
    switch (incoming.method) {
      case 'POST':
        if (body.length > AWS_LIMITS.messageBytes) return TOO_LARGE;
        return post(connection, body);
      case 'GET':
        return connection === undefined ? GONE : { statusCode: 200, body: shown(connection) };
      case 'DELETE':
        if (connection === undefined) return GONE;
        connection.close(1000);
        return { statusCode: 204 };
      default:
        return refusal(403, 'ForbiddenException', 'Forbidden');
    }
  }
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function post(connection: Connection | undefined, body: Buffer): Answer {
  switch (connection?.post(body)) {
    case 'sent':
      return { statusCode: 200 };
    case 'full':
      return FULL;
    case 'gone':
    case undefined:
      return GONE;
  }
}

function shown({ facts, lastActiveAt }: Connection): unknown {
  return {
    connectedAt: facts.connectedAt.toISOString(),
    identity: {
      sourceIp: facts.sourceIp,
      ...(facts.userAgent === undefined ? {} : { userAgent: facts.userAgent }),
    },
    lastActiveAt: lastActiveAt.toISOString(),
  };
}
