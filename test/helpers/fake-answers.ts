/** What the fake API routes, answers and refuses with; it holds no state. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LIMITS } from '../../contract/limits.ts';
import { AT, type FakeExecution } from './fake-execution.ts';

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly retryable?: boolean;
  readonly retryAfter?: number;
  /** In place of the envelope. */
  readonly raw?: string;
}

const ROUTES: readonly (readonly [string, RegExp, string])[] = [
  ['GET', /^\/ready()$/, 'ready'],
  ['GET', /^\/runtimes()$/, 'runtimes'],
  ['POST', /^\/tickets()$/, 'createTicket'],
  ['POST', /^\/sandboxes()$/, 'createSandbox'],
  ['GET', /^\/sandboxes()$/, 'listSandboxes'],
  ['GET', /^\/sandboxes\/(\w+)$/, 'getSandbox'],
  ['PATCH', /^\/sandboxes\/(\w+)$/, 'updateSandbox'],
  ['DELETE', /^\/sandboxes\/(\w+)$/, 'terminateSandbox'],
  ['POST', /^\/sandboxes\/(\w+)\/execute$/, 'executeCode'],
  ['GET', /^\/sandboxes\/(\w+)\/executions$/, 'listExecutions'],
  ['GET', /^\/executions\/(\w+)\/events$/, 'readEvents'],
  ['DELETE', /^\/executions\/(\w+)$/, 'interrupt'],
  ['POST', /^\/executions\/(\w+)\/stdin$/, 'writeStdin'],
  ['DELETE', /^\/sandboxes\/\w+\/contexts\/(\w+)$/, 'deleteContext'],
];

export function route(method: string, path: string): [operation: string, id: string] {
  for (const [known, pattern, operation] of ROUTES) {
    const match = known === method ? pattern.exec(path) : null;
    if (match) return [operation, match[1] ?? ''];
  }
  return ['unknown', ''];
}

export const wantsStream = (request: IncomingMessage) =>
  request.headers.accept === 'text/event-stream' && request.headers['prefer'] === undefined;

export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

export function answer(response: ServerResponse, status: number, data: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ success: true, data }));
}

export function refuse(response: ServerResponse, refusal: Refusal): void {
  const { status, code, retryable = false, retryAfter, raw } = refusal;
  const requestId = String(response.getHeader('X-Request-Id'));
  const error = { code, message: `refused: ${code}`, retryable, requestId };
  response.writeHead(status, {
    'Content-Type': raw === undefined ? 'application/json' : 'text/html',
    ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
  });
  response.end(raw ?? JSON.stringify({ success: false, error }));
}

export function pageOf(all: unknown[], url: URL): { items: unknown[]; nextCursor: string | null } {
  const limit = Number(url.searchParams.get('limit') ?? LIMITS.pageSize.default);
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const next = from + limit;
  return { items: all.slice(from, next), nextCursor: next < all.length ? String(next) : null };
}

export const sandboxRecord = (id: string) => ({
  id,
  status: 'running',
  runtime: 'python',
  resources: { cpu: 1, memoryMb: 2048, diskGb: 20 },
  network: { access: 'none' },
  metadata: {},
  createdAt: AT,
  expiresAt: AT,
  runningExecutions: 0,
});

export const summary = (execution: FakeExecution) => ({
  id: execution.id,
  sandboxId: `sb${'0'.repeat(20)}`,
  language: 'python',
  status: execution.finished ? 'finished' : 'running',
  createdAt: AT,
  ...(execution.finished ? { outcome: execution.log.at(-1)?.['outcome'] } : {}),
  truncated: false,
  lastSeq: execution.log.length,
});

export const keyOf = ({ headers }: IncomingMessage): string | undefined =>
  headers['idempotency-key']?.toString();
