/**
 * A small API that keeps to the contract, over real HTTP and real server-sent events, for the
 * SDK's tests: its executions are scripted, and any answer can be cut at any byte, refused or
 * distorted. It runs no code.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { BASE_PATH } from '../../contract/operations.ts';
import {
  answer,
  keyOf,
  pageOf,
  type Refusal,
  readJson,
  refuse,
  route,
  sandboxRecord,
  summary,
  wantsStream,
} from './fake-answers.ts';
import { AT, type Cut, FakeExecution, sse, started, write } from './fake-execution.ts';
import { FakeSocket, SOCKET_DEFAULTS, type SocketBehaviour } from './fake-socket.ts';

export type { Refusal } from './fake-answers.ts';
export { FakeExecution, type Scripted, started } from './fake-execution.ts';

export const FAKE_KEY = `ci_${'0'.repeat(40)}`;

export interface Seen {
  readonly operation: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export interface FakeBehaviour extends SocketBehaviour {
  /** Called once per executeCode, a repeat under its key left out; what it emits at once is in the first answer. */
  onExecute: (execution: FakeExecution, body: Record<string, unknown>) => void;
  /** Taken one by one by connections that carry events, streams and pages alike. */
  cuts: Cut[];
  /** Taken one by one, by operation. */
  refusals: Record<string, Refusal[]>;
  /** `json` answers streams as JSON, `silent` sends a head and no byte. */
  streams: 'on' | 'json' | 'silent';
  /** Whether the answer names the execution in its head. */
  idHeader: boolean;
  /** Holds the head of executeCode back until it resolves; a rejection tears the connection. */
  beforeHead: () => Promise<void>;
  /** Taken one by one by answers of this operation: torn once it was done. */
  lostAnswers: Record<string, number>;
  /** What a new sandbox says of itself, and at each look after: the last one stays. */
  statuses: Record<string, unknown>[];
  /** Most events in one page. */
  pageSize: number;
  /** Sends this many events from before the cursor again. */
  overlap: number;
  /** Seqs that are left out, as a log with a hole would. */
  holes: Set<number>;
  heartbeatMs: number;
  /** A stream ends after so long without `finished`, with `retry:`. */
  streamLifeMs: number;
}

export class FakeApi implements AsyncDisposable {
  readonly behaviour: FakeBehaviour = {
    ...SOCKET_DEFAULTS,
    onExecute: (execution) => {
      execution.emit(started(execution));
      execution.finish();
    },
    cuts: [],
    refusals: {},
    streams: 'on',
    idHeader: true,
    beforeHead: () => Promise.resolve(),
    lostAnswers: {},
    statuses: [{}],
    pageSize: 100,
    overlap: 0,
    holes: new Set(),
    heartbeatMs: 10_000,
    streamLifeMs: 120_000,
  };
  readonly seen: Seen[] = [];
  readonly socket = new FakeSocket(this);
  readonly executions = new Map<string, FakeExecution>();
  readonly sandboxes = new Map<string, Record<string, unknown>>();
  /** By operation and Idempotency-Key, the id of what was made. */
  readonly #made = new Map<string, string>();
  heartbeats = 0;
  /** How many were ever opened. */
  connections = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  static async start(behaviour: Partial<FakeBehaviour> = {}): Promise<FakeApi> {
    const api = new FakeApi();
    Object.assign(api.behaviour, behaviour);
    api.#server.on('connection', (socket) => {
      api.connections += 1;
      api.#sockets.add(socket);
      socket.on('close', () => api.#sockets.delete(socket));
    });
    api.#server.on('upgrade', (request, socket, head) => api.socket.upgrade(request, socket, head));
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve));
    return api;
  }

  get baseUrl(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}${BASE_PATH}`;
  }

  get options(): { baseUrl: string; apiKey: string } {
    return { baseUrl: this.baseUrl, apiKey: FAKE_KEY };
  }

  count(operation: string): number {
    return this.seen.filter((request) => request.operation === operation).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  addSandbox(fields: Record<string, unknown> = {}): string {
    const id = `sb${String(this.sandboxes.size).padStart(20, '0')}`;
    this.sandboxes.set(id, { ...sandboxRecord(id), ...fields });
    return id;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.baseUrl);
    const body = await readJson(request);
    const [operation, id] = route(request.method ?? 'GET', url.pathname.slice(BASE_PATH.length));
    this.seen.push({ operation, url, headers: request.headers, body });
    response.setHeader('X-Request-Id', `request-${this.seen.length}`);
    if (operation === 'ready') return answer(response, 200, { status: 'ready', checks: {} });
    if (request.headers['x-api-key'] !== FAKE_KEY) {
      return refuse(response, { status: 401, code: 'UNAUTHENTICATED' });
    }
    const refusal = this.behaviour.refusals[operation]?.shift();
    if (refusal) return refuse(response, refusal);
    if (this.#isLost(operation)) {
      response.write = () => response.destroy() && false;
      response.end = () => response.destroy();
      response.flushHeaders = () => response.destroy();
    }
    return this.#answer({ operation, id, url, request, response, body });
  }

  #isLost(operation: string): boolean {
    const left = this.behaviour.lostAnswers[operation] ?? 0;
    this.behaviour.lostAnswers[operation] = left - 1;
    return left > 0;
  }

  /** Once for a key. */
  #create(request: IncomingMessage, response: ServerResponse, body: Record<string, unknown>): void {
    const id = this.#once('createSandbox', keyOf(request), () =>
      this.addSandbox({ ...body, ...this.#nextStatus() }),
    );
    const sandbox = this.sandboxes.get(id);
    answer(response, sandbox?.['status'] === 'creating' ? 202 : 201, sandbox);
  }

  #nextStatus(): Record<string, unknown> {
    const { statuses } = this.behaviour;
    return (statuses.length > 1 ? statuses.shift() : statuses[0]) ?? {};
  }

  #once(operation: string, key: string | undefined, make: () => string): string {
    const made = `${operation} ${String(key)}`;
    const id = (key === undefined ? undefined : this.#made.get(made)) ?? make();
    this.#made.set(made, id);
    return id;
  }

  async #answer({ operation, id, url, request, response, body }: Asked): Promise<void> {
    const sandbox = this.sandboxes.get(id);
    const execution = this.executions.get(id);
    switch (operation) {
      case 'runtimes':
        return answer(response, 200, {
          items: [
            {
              name: 'python',
              versions: ['3.11'],
              languages: ['python'],
              defaultLanguage: 'python',
            },
          ],
        });
      case 'createTicket':
        if (this.behaviour.sockets === 'none') return refuse(response, NO_SUCH_ROUTE);
        return answer(response, 201, {
          ticket: this.socket.ticket(),
          expiresAt: AT,
          url: '/ws',
        });
      case 'createSandbox':
        return this.#create(request, response, body);
      case 'listSandboxes':
        return answer(response, 200, pageOf([...this.sandboxes.values()].reverse(), url));
      case 'updateSandbox':
        if (!sandbox) return refuse(response, { status: 404, code: 'SANDBOX_NOT_FOUND' });
        return answer(response, 200, Object.assign(sandbox, body));
      case 'getSandbox':
      case 'terminateSandbox':
        if (!sandbox) return refuse(response, { status: 404, code: 'SANDBOX_NOT_FOUND' });
        if (operation === 'terminateSandbox') sandbox['status'] = 'stopping';
        else Object.assign(sandbox, this.#nextStatus());
        return answer(response, operation === 'getSandbox' ? 200 : 202, sandbox);
      case 'executeCode':
        if (!sandbox) return refuse(response, { status: 404, code: 'SANDBOX_NOT_FOUND' });
        return this.#execute(request, response, body);
      case 'listExecutions':
        return answer(response, 200, pageOf([...this.executions.values()].map(summary), url));
      case 'readEvents':
        if (!execution) return refuse(response, { status: 404, code: 'EXECUTION_NOT_FOUND' });
        return this.#readEvents(execution, url, request, response);
      case 'interrupt':
        if (!execution) return refuse(response, { status: 404, code: 'EXECUTION_NOT_FOUND' });
        execution.interrupted = true;
        return answer(response, 202, summary(execution));
      case 'writeStdin':
        return answer(response, 202, { executionId: id, nextSeq: Number(body['seq']) + 1 });
      default:
        return refuse(response, NO_SUCH_ROUTE);
    }
  }

  async #execute(
    request: IncomingMessage,
    response: ServerResponse,
    body: Record<string, unknown>,
  ): Promise<void> {
    const execution = this.start(keyOf(request), body);
    await this.behaviour.beforeHead();
    if (this.behaviour.idHeader) response.setHeader('X-Execution-Id', execution.id);
    if (wantsStream(request) && this.behaviour.streams !== 'json') {
      return this.#stream(execution, 0, response);
    }
    const record = { ...summary(execution), stdout: '', stderr: '', results: [] };
    return answer(response, execution.finished ? 200 : 202, {
      ...record,
      stdoutTruncated: false,
      stderrTruncated: false,
      resultsTruncated: false,
    });
  }

  /** Once for a key. */
  start(key: string | undefined, body: Record<string, unknown>): FakeExecution {
    const id = this.#once('executeCode', key, () => {
      const execution = new FakeExecution(`ex${String(this.executions.size).padStart(20, '0')}`);
      this.executions.set(execution.id, execution);
      this.behaviour.onExecute(execution, body);
      return execution.id;
    });
    const execution = this.executions.get(id);
    if (!execution) throw new Error(`the fake has forgotten ${id}`);
    return execution;
  }

  async #readEvents(
    execution: FakeExecution,
    url: URL,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const last = request.headers['last-event-id'] ?? url.searchParams.get('after');
    const after = Number(last ?? 0);
    if (wantsStream(request) && this.behaviour.streams !== 'json') {
      return this.#stream(execution, after, response);
    }
    await execution.more(after, Math.min(Number(url.searchParams.get('waitMs') ?? 0), 20_000));
    const from = Math.max(0, after - this.behaviour.overlap);
    const items = execution.log
      .slice(from, after + this.behaviour.pageSize)
      .filter(({ seq }) => !this.behaviour.holes.has(seq));
    const nextCursor = items.at(-1)?.seq ?? after;
    const finished = execution.finished && nextCursor >= execution.log.length;
    const page = JSON.stringify({ success: true, data: { items, nextCursor, finished } });
    response.writeHead(200, { 'Content-Type': 'application/json' });
    await write(response, Buffer.from(page), this.behaviour.cuts.shift());
    response.end();
  }

  /** The log from the cursor on, then what comes, then `end`. */
  async #stream(execution: FakeExecution, after: number, response: ServerResponse): Promise<void> {
    const { behaviour } = this;
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    response.flushHeaders();
    if (behaviour.streams === 'silent') return;
    let cut = behaviour.cuts.shift();
    const send = async (text: string) => {
      const bytes = Buffer.from(text);
      const whole = await write(response, bytes, cut);
      if (cut) cut = { ...cut, afterBytes: cut.afterBytes - bytes.length };
      return whole;
    };
    const until = Date.now() + behaviour.streamLifeMs;
    for (let next = Math.max(0, after - behaviour.overlap); !response.destroyed; ) {
      const event = execution.log[next];
      if (event) {
        next += 1;
        if (!behaviour.holes.has(event.seq) && !(await send(sse(event)))) return;
      } else if (execution.finished) {
        if (await send('event: end\ndata: {}\n\n')) response.end();
        return;
      } else if (Date.now() >= until) {
        if (await send('retry: 1\n\n')) response.end();
        return;
      } else {
        const known = execution.log.length;
        await execution.more(next, Math.min(behaviour.heartbeatMs, until - Date.now()));
        if (execution.log.length > known) continue;
        this.heartbeats += 1;
        if (!(await send(': heartbeat\n\n'))) return;
      }
    }
  }
}

const NO_SUCH_ROUTE: Refusal = { status: 404, code: 'NOT_FOUND' };

interface Asked {
  readonly operation: string;
  readonly id: string;
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Record<string, unknown>;
}
