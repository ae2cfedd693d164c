/** One request of the E2B wire, and what is there to answer it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Sandbox } from '../sandbox.ts';

export interface E2bExchange {
  readonly sandbox: Sandbox;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
}
