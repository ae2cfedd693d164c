/** A REST API over real Lambda workers: each function is a few lines of a bundle, written to a temporary folder. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  GatewayResponseDefinition,
  MethodDefinition,
  RestApiDefinition,
} from '../../../local/services/api-gateway/definition.ts';
import { RestServer } from '../../../local/services/api-gateway/rest-server.ts';
import { LambdaService } from '../../../local/services/lambda/lambda-service.ts';

/** Function name → body of `handler(event, …)`; one that begins with `stream:` gets `(event, stream)`. */
export type Handlers = Readonly<Record<string, string>>;

export interface ApiFixture extends AsyncDisposable {
  /** URL of the stage. */
  readonly url: string;
  readonly directory: string;
  readonly lambda: LambdaService;
  readonly server: RestServer;
  readonly logged: string[];
}

export interface ApiOptions {
  readonly handlers: Handlers;
  readonly methods: readonly MethodDefinition[];
  readonly binaryMediaTypes?: readonly string[];
  readonly gatewayResponses?: Readonly<Record<string, GatewayResponseDefinition>>;
  readonly stageVariables?: Readonly<Record<string, string>>;
  readonly streamIdleMs?: number;
  readonly maximumWorkers?: number;
}

function bundleOf(body: string): string {
  return body.startsWith('stream:')
    ? `export const handler = awslambda.streamifyResponse(async (event, stream) => {${body.slice(7)}});`
    : `export const handler = async (event) => {${body}};`;
}

export async function startApi(options: ApiOptions): Promise<ApiFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'rest-api-'));
  const logged: string[] = [];
  const lambda = new LambdaService({
    region: 'us-east-1',
    accountId: '000000000000',
    endpointUrl: 'http://127.0.0.1:9',
    log: (_name, _requestId, line) => logged.push(line),
    deliver: async () => {},
    ...(options.maximumWorkers === undefined ? {} : { maximumWorkers: options.maximumWorkers }),
  });
  for (const [functionName, body] of Object.entries(options.handlers)) {
    const codeDirectory = join(directory, functionName);
    await mkdir(codeDirectory);
    await writeFile(join(codeDirectory, 'index.mjs'), bundleOf(body));
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
  const api: RestApiDefinition = {
    apiId: 'api1234567',
    accountId: '000000000000',
    region: 'us-east-1',
    stageName: 'api',
    stageVariables: options.stageVariables ?? {},
    binaryMediaTypes: options.binaryMediaTypes ?? [],
    methods: options.methods,
    gatewayResponses: new Map(Object.entries(options.gatewayResponses ?? {})),
  };
  const server = new RestServer({
    api,
    invoker: lambda,
    log: (message) => logged.push(message),
    ...(options.streamIdleMs === undefined ? {} : { streamIdleMs: options.streamIdleMs }),
  });
  const url = await server.listen(0);
  return {
    url,
    directory,
    lambda,
    server,
    logged,
    async [Symbol.asyncDispose]() {
      await server.close();
      await lambda.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** `route('POST /v1/x', 'name')`: buffered and open, unless `more` says otherwise. */
export function route(
  place: string,
  functionName: string,
  more: {
    transfer?: 'BUFFERED' | 'STREAM';
    timeoutMs?: number;
    authorizer?: string;
  } = {},
): MethodDefinition {
  const [httpMethod = '', resourcePath = ''] = place.split(' ');
  const { transfer = 'BUFFERED', timeoutMs = 29_000, authorizer } = more;
  return {
    httpMethod,
    resourcePath,
    resourceId: 'res123',
    authorizer: authorizer === undefined ? undefined : { id: 'auth12', functionName: authorizer },
    integration: { kind: 'function', functionName, transfer, timeoutMs },
  };
}

export const echo = 'return { statusCode: 200, body: JSON.stringify(event) };';
