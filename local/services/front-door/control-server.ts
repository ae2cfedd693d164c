/**
 * The operator's port: shows functions, request counts, queues, state transitions and units, ends workers, invokes, sets faults,
 * omits grants. It takes only who holds the token and refuses browsers, so that neither a sandbox nor a web page can drive it.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import type { DynamoDbService } from '../dynamodb/service.ts';
import type { AccessControl } from '../iam/access-control.ts';
import { grantRoutes } from '../iam/routes.ts';
import { LambdaError } from '../lambda/errors.ts';
import type { FunctionInvoker } from '../lambda/types.ts';
import type { Queues } from '../sqs/queues.ts';
import type { StepFunctionsService } from '../step-functions/step-functions-service.ts';
import {
  type ControlCall,
  ControlError,
  type ControlRoute,
  parse,
  readJson,
} from './control-route.ts';
import type { FaultSwitch } from './faults/fault-switch.ts';
import { faultRoutes } from './faults/routes.ts';
import { listenOnLoopback, stopServer } from './loopback.ts';
import type { RequestCounts } from './request-counts.ts';

export interface ControlServerOptions {
  readonly token: string;
  readonly functions: FunctionInvoker;
  readonly counts: RequestCounts;
  readonly faults: FaultSwitch;
  readonly access: AccessControl;
  readonly stateMachines: Pick<StepFunctionsService, 'transitions' | 'executions'>;
  readonly queues: Pick<Queues, 'list'>;
  readonly tables: Pick<DynamoDbService, 'units'>;
  /** How an operator calls this machine's AWS. */
  readonly operator: OperatorAccess;
  /** Default 0: any free port. */
  readonly port?: number;
}

export interface OperatorAccess {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const Name = z
  .string()
  .regex(/^[a-zA-Z0-9-_]{1,64}$/, 'a function name has 1 to 64 of [a-zA-Z0-9-_]');
const WorkerId = z.uuid('a worker id is a UUID, as GET /functions lists it');

export class ControlServer implements AsyncDisposable {
  readonly #options: ControlServerOptions;
  readonly #server: Server;
  readonly #routes: readonly ControlRoute[];

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

function routesOf(options: ControlServerOptions): readonly ControlRoute[] {
  const { functions, counts, faults, access, stateMachines, queues, tables, operator } = options;
  const terminate = async ({ params: [name, workerId] }: ControlCall): Promise<unknown> => {
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
    ...counterRoutes('requests', counts),
    { method: 'GET', path: /^\/operator$/, answer: async () => operator },
    { method: 'GET', path: /^\/queues$/, answer: async () => ({ queues: queues.list() }) },
    {
      method: 'GET',
      path: /^\/executions$/,
      answer: async () => ({ executions: stateMachines.executions() }),
    },
    ...counterRoutes('transitions', stateMachines.transitions),
    ...counterRoutes('units', tables.units),
    ...faultRoutes(faults),
    ...grantRoutes(access),
  ];
}

/** What is counted, and from zero on request. */
function counterRoutes(
  name: string,
  counts: { list(): unknown; reset(): void },
): readonly ControlRoute[] {
  const path = new RegExp(`^/${name}$`);
  const shown = () => ({ [name]: counts.list() });
  return [
    { method: 'GET', path, answer: async () => shown() },
    {
      method: 'DELETE',
      path,
      answer: async () => {
        counts.reset();
        return shown();
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
