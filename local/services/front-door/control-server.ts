/**
 * The operator's port: shows functions, request counts and state transitions, ends workers, invokes. It takes only who holds the token
 * and refuses browsers, so that neither a sandbox nor a web page can drive it.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { LambdaError } from '../lambda/errors.ts';
import type { FunctionInvoker } from '../lambda/types.ts';
import type { StepFunctionsService } from '../step-functions/step-functions-service.ts';
import { listenOnLoopback, stopServer } from './loopback.ts';
import { readBody } from './read-body.ts';
import type { RequestCounts } from './request-counts.ts';

const BODY_LIMIT_BYTES = 6 * 1024 * 1024;

export interface ControlServerOptions {
  readonly token: string;
  readonly functions: FunctionInvoker;
  readonly counts: RequestCounts;
  readonly stateMachines: Pick<StepFunctionsService, 'transitions' | 'executions'>;
  /** Default 0: any free port. */
  readonly port?: number;
}

class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly statusCode: number;
  readonly code: string;

  constructor(statusCode: number, code: string, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
  }
}

const Name = z
  .string()
  .regex(/^[a-zA-Z0-9-_]{1,64}$/, 'a function name has 1 to 64 of [a-zA-Z0-9-_]');
const WorkerId = z.uuid('a worker id is a UUID, as GET /functions lists it');

interface Call {
  readonly params: readonly string[];
  readonly incoming: IncomingMessage;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly answer: (call: Call) => Promise<unknown>;
}

export class ControlServer implements AsyncDisposable {
  readonly #options: ControlServerOptions;
  readonly #server: Server;
  readonly #routes: readonly Route[];

  constructor(options: ControlServerOptions) {
    this.#options = options;
    this.#routes = routesOf(options);
    this.#server = createServer((incoming, response) => void this.#receive(incoming, response));
  }

  /** Listens and answers its URL. */
  async listen(): Promise<string> {
    return listenOnLoopback(this.#server, this.#options.port ?? 0);
  }

  async close(): Promise<void> {
    await stopServer(this.#server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #receive(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      authorize(incoming, this.#options.token);
      sendJson(response, 200, await this.#route(incoming));
    } catch (error) {
      incoming.resume();
      const { statusCode, code, message } = problemOf(error);
      sendJson(response, statusCode, { error: { code, message } });
    }
  }

  async #route(incoming: IncomingMessage): Promise<unknown> {
    const { pathname } = new URL(incoming.url ?? '/', 'http://127.0.0.1');
    for (const { method, path, answer } of this.#routes) {
      const match = method === incoming.method ? path.exec(pathname) : null;
      if (match !== null) {
        return answer({ params: match.slice(1).map(decodeURIComponent), incoming });
      }
    }
    throw new ControlError(404, 'NotFound', `There is no ${incoming.method} ${pathname}`);
  }
}

function routesOf(options: ControlServerOptions): readonly Route[] {
  const { functions, counts, stateMachines } = options;
  const terminate = async ({ params: [name, workerId] }: Call): Promise<unknown> => {
    const id = workerId === undefined ? undefined : parse(WorkerId, workerId);
    const terminated = await functions.terminateWorkers(parse(Name, name), id);
    if (id !== undefined && terminated.length === 0) {
      throw new ControlError(404, 'NotFound', `${name} has no worker ${id}`);
    }
    return { terminated };
  };
  return [
    {
      method: 'GET',
      path: /^\/functions$/,
      answer: async () => ({ functions: functions.functions() }),
    },
    {
      method: 'GET',
      path: /^\/functions\/([^/]+)\/memory$/,
      answer: async ({ params: [name] }) => ({
        workers: await functions.memory(parse(Name, name)),
      }),
    },
    { method: 'DELETE', path: /^\/functions\/([^/]+)\/workers$/, answer: terminate },
    { method: 'DELETE', path: /^\/functions\/([^/]+)\/workers\/([^/]+)$/, answer: terminate },
    {
      method: 'POST',
      path: /^\/functions\/([^/]+)\/invoke$/,
      answer: async ({ params: [name], incoming }) =>
        functions.invoke(parse(Name, name), await readJson(incoming)),
    },
    { method: 'GET', path: /^\/requests$/, answer: async () => ({ requests: counts.list() }) },
    {
      method: 'DELETE',
      path: /^\/requests$/,
      answer: async () => {
        counts.reset();
        return { requests: [] };
      },
    },
    {
      method: 'GET',
      path: /^\/executions$/,
      answer: async () => ({ executions: stateMachines.executions() }),
    },
    {
      method: 'GET',
      path: /^\/transitions$/,
      answer: async () => ({ transitions: stateMachines.transitions.list() }),
    },
    {
      method: 'DELETE',
      path: /^\/transitions$/,
      answer: async () => {
        stateMachines.transitions.reset();
        return { transitions: [] };
      },
    },
  ];
}

function authorize(incoming: IncomingMessage, token: string): void {
  if (incoming.headers.origin !== undefined) {
    throw new ControlError(403, 'Forbidden', 'The control port does not answer browsers');
  }
  // Digests have one length, so comparing them tells nothing of the token's.
  const digest = (text: string): Buffer => hash('sha256', text, 'buffer');
  const given = digest(incoming.headers.authorization ?? '');
  if (!timingSafeEqual(given, digest(`Bearer ${token}`))) {
    throw new ControlError(401, 'Unauthenticated', 'Send Authorization: Bearer <control token>');
  }
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const body = await readBody(incoming, BODY_LIMIT_BYTES);
  if (body === 'too-large') {
    throw new ControlError(413, 'PayloadTooLarge', `At most ${BODY_LIMIT_BYTES} bytes are allowed`);
  }
  try {
    return JSON.parse(body.toString() || '{}');
  } catch (error) {
    throw new ControlError(400, 'InvalidJson', `The body is no JSON: ${String(error)}`);
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues.map((issue) => issue.message).join('; ');
  throw new ControlError(400, 'InvalidParameter', `${JSON.stringify(value)}: ${why}`);
}

function problemOf(error: unknown): { statusCode: number; code: string; message: string } {
  if (error instanceof ControlError || error instanceof LambdaError) {
    return { statusCode: error.statusCode, code: error.code, message: error.message };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof URIError) return { statusCode: 400, code: 'InvalidParameter', message };
  return { statusCode: 500, code: 'InternalError', message };
}

function sendJson(response: ServerResponse, statusCode: number, body: unknown): void {
  response
    .writeHead(statusCode, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(body));
}
