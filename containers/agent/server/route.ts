/** What a route is: its method and path, what it gets and what it may answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Sandbox } from '../sandbox.ts';
import type { InitGate } from './init-gate.ts';

export interface Exchange {
  readonly sandbox: Sandbox;
  readonly initGate: InitGate;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** What stands in the place of `{id}`. */
  readonly id: string;
}

export interface JsonAnswer {
  readonly status: number;
  readonly body?: unknown;
}

export interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  /** Whether it answers without the control token. */
  readonly open?: true;
  /** Whether its body may take its time: the bytes of a file. */
  readonly slowBody?: true;
  /** Answers JSON, or nothing where it has answered itself. */
  readonly handle: (exchange: Exchange) => Promise<JsonAnswer | undefined>;
}

export const ok = (body: unknown): JsonAnswer => ({ status: 200, body });

/** What is not a number is handed on as it is, so that the answer can show it. */
export function numberIn(query: URLSearchParams, name: string): unknown {
  const text = query.get(name);
  return text === null ? undefined : /^\d+$/.test(text) ? Number(text) : text;
}
