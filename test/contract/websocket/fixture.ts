/**
 * A WebSocket API over real Lambda workers, on a REST server's port, with its connections at a front door.
 * Each function is a few lines of a bundle, written to a temporary folder.
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import { type ClientOptions, WebSocket } from 'ws';
import { RestServer } from '../../../local/services/api-gateway/rest-server.ts';
import type {
  IdentitySource,
  WebSocketRoute,
} from '../../../local/services/api-gateway/websocket/definition.ts';
import type { WebSocketLimits } from '../../../local/services/api-gateway/websocket/limits.ts';
import { ManagementApi } from '../../../local/services/api-gateway/websocket/management-api.ts';
import { WebSocketApi } from '../../../local/services/api-gateway/websocket/websocket-api.ts';
import { FrontDoor } from '../../../local/services/front-door/front-door.ts';
import { LambdaService } from '../../../local/services/lambda/lambda-service.ts';

export interface SocketFixture extends AsyncDisposable {
  /** URL of the stage. */
  readonly url: string;
  readonly httpUrl: string;
  readonly lambda: LambdaService;
  readonly api: WebSocketApi;
  readonly connections: ApiGatewayManagementApiClient;
  readonly logged: string[];
  readonly counted: string[];
  /** The event that a function has written with `note(name, event)`, as soon as it is there. */
  noted(name: string): Promise<Noted>;
  note(name: string, content: unknown): Promise<void>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- an event is untyped until it is asserted
type Noted = any;

export interface SocketOptions {
  /** Function name → body of `handler(event)`; `note(name, event)` and `await noted(name)` are there. */
  readonly handlers: Readonly<Record<string, string>>;
  readonly routes: readonly WebSocketRoute[];
  readonly routeSelection?: readonly string[];
  readonly limits?: Partial<WebSocketLimits>;
}

const PREFACE = `
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
const place = (name) => process.env.DIRECTORY + '/' + name + '.json';
const note = (name, content) => {
  writeFileSync(place(name) + '.new', JSON.stringify(content));
  renameSync(place(name) + '.new', place(name));
};
const noted = async (name) => {
  while (!existsSync(place(name))) await new Promise((resolve) => setTimeout(resolve, 5));
  return JSON.parse(readFileSync(place(name), 'utf8'));
};
`;

async function startLambda(
  handlers: SocketOptions['handlers'],
  { directory, logged }: { directory: string; logged: string[] },
): Promise<LambdaService> {
  const lambda = new LambdaService({
    region: 'us-east-1',
    accountId: '000000000000',
    endpointUrl: 'http://127.0.0.1:9',
    log: (_name, _requestId, line) => logged.push(line),
    deliver: async () => {},
  });
  for (const [functionName, body] of Object.entries(handlers)) {
    const codeDirectory = join(directory, functionName);
    await mkdir(codeDirectory);
    const code = `${PREFACE}export const handler = async (event) => {${body}};`;
    await writeFile(join(codeDirectory, 'index.mjs'), code);
    lambda.createFunction({
      functionName,
      codeDirectory,
      handler: 'index.handler',
      environment: { DIRECTORY: directory },
      timeoutSeconds: 30,
      memoryMb: 128,
      credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    });
  }
  return lambda;
}

/** Looks again and again: a watcher begins to watch some time after it is made. */
async function awaitFile(directory: string, name: string): Promise<string> {
  const file = join(directory, `${name}.json`);
  while (true) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function startSockets(options: SocketOptions): Promise<SocketFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'websocket-api-'));
  const logged: string[] = [];
  const counted: string[] = [];
  const lambda = await startLambda(options.handlers, { directory, logged });
  const place = { apiId: 'ws12345678', accountId: '000000000000', region: 'us-east-1' };
  const api = new WebSocketApi({
    api: {
      ...place,
      stageName: 'ws',
      stageVariables: {},
      routeSelection: options.routeSelection ?? ['type'],
      routes: new Map(options.routes.map((route) => [route.routeKey, route])),
    },
    invoker: lambda,
    log: (message) => logged.push(message),
    count: (routeKey) => counted.push(routeKey),
    limits: options.limits ?? {},
  });
  const rest = new RestServer({
    api: {
      ...place,
      stageName: 'api',
      stageVariables: {},
      binaryMediaTypes: [],
      methods: [],
      gatewayResponses: new Map(),
    },
    invoker: lambda,
    log: (message) => logged.push(message),
    upgrades: api,
  });
  const httpUrl = await rest.listen(0);
  const frontDoor = new FrontDoor();
  frontDoor.register(new ManagementApi(api));
  const connections = new ApiGatewayManagementApiClient({
    endpoint: `${await frontDoor.listen()}/ws`,
    region: 'us-east-1',
    credentials: frontDoor.issueCredentials('relay'),
    maxAttempts: 1,
  });
  return {
    url: `${new URL(httpUrl).origin.replace('http', 'ws')}/ws`,
    httpUrl,
    lambda,
    api,
    connections,
    logged,
    counted,
    noted: async (name) => JSON.parse(await awaitFile(directory, name)),
    note: async (name, content) => {
      const file = join(directory, `${name}.json`);
      await writeFile(`${file}.new`, JSON.stringify(content));
      await rename(`${file}.new`, file);
    },
    async [Symbol.asyncDispose]() {
      connections.destroy();
      await api.close();
      await rest.close();
      await frontDoor.close();
      await lambda.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export function socketRoute(
  routeKey: string,
  functionName: string,
  more: {
    authorizer?: string;
    identitySources?: readonly IdentitySource[];
    responds?: boolean;
    timeoutMs?: number;
  } = {},
): WebSocketRoute {
  const { authorizer, identitySources = [], responds = false, timeoutMs = 29_000 } = more;
  return {
    routeKey,
    functionName,
    timeoutMs,
    responds,
    authorizer:
      authorizer === undefined ? undefined : { functionName: authorizer, identitySources },
  };
}

/** A client whose messages can be awaited one after the other. */
export class Client implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #messages: string[] = [];
  readonly #waiting: ((text: string) => void)[] = [];

  constructor(url: string, options: ClientOptions & { protocols?: string[] } = {}) {
    const { protocols = [], ...rest } = options;
    this.socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...rest });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    this.socket.on('message', (data: Buffer) => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#messages.push(data.toString());
      else waiting(data.toString());
    });
  }

  async opened(): Promise<this> {
    await once(this.socket, 'open');
    return this;
  }

  async next(): Promise<string> {
    return this.#messages.shift() ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- a message is untyped until it is asserted
  async nextJson(): Promise<any> {
    return JSON.parse(await this.next());
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }
}

export const connect = (url: string, options?: ClientOptions & { protocols?: string[] }) =>
  new Client(url, options).opened();

/** The answer to a handshake that is refused. */
export async function refused(url: string, options?: ClientOptions): Promise<[number, Noted]> {
  const client = new Client(url, options);
  const [, response]: [unknown, IncomingMessage] = (await once(
    client.socket,
    'unexpected-response',
  )) as [unknown, IncomingMessage];
  const text = (await response.toArray()).join('');
  return [response.statusCode ?? 0, JSON.parse(text)];
}
