/**
 * The whole of AWS for one assembly on one machine: every stand-in behind the front door, the assembly deployed into
 * them, the REST API on its public port. The one place where stand-ins meet; it knows nothing of the product.
 */
import { randomBytes } from 'node:crypto';
import { RestServer, type RestServerOptions } from '../services/api-gateway/rest-server.ts';
import { ManagementApi } from '../services/api-gateway/websocket/management-api.ts';
import { WebSocketApi } from '../services/api-gateway/websocket/websocket-api.ts';
import type { NetworkModel } from '../services/ecs/types.ts';
import { ControlServer } from '../services/front-door/control-server.ts';
import { OPERATOR } from '../services/iam/access-control.ts';
import { FunctionFailure } from '../services/lambda/errors.ts';
import type { FunctionInvoker } from '../services/lambda/types.ts';
import { accessModelOf } from './access.ts';
import { Cleanup } from './cleanup.ts';
import { deployAssembly } from './deploy.ts';
import type { Deployment } from './deployment.ts';
import { AssemblyError } from './errors.ts';
import { eventRulesOf } from './event-rules.ts';
import type { EnvironmentOverrides } from './functions.ts';
import { tellOfLostTasks } from './lost-tasks.ts';
import { networkOf } from './network.ts';
import { restApisOf } from './rest-apis.ts';
import { type StandInOptions, type StandIns, startStandIns } from './stand-ins.ts';
import { webSocketApisOf } from './websocket-apis.ts';

export interface AwsWorldOptions extends StandInOptions {
  /** The synthesized `cdk.out`. */
  readonly assemblyDirectory: string;
  /** What the control port asks for; random if it is not given. */
  readonly controlToken?: string;
  readonly environmentOverrides?: EnvironmentOverrides;
}

export interface AwsWorld extends AsyncDisposable {
  /** URL of the REST API's stage. */
  readonly restUrl: string;
  /** URL of the WebSocket API's stage, if the assembly has one. */
  readonly websocketUrl: string | undefined;
  readonly controlUrl: string;
  readonly controlToken: string;
  /** `AWS_ENDPOINT_URL` of the functions. */
  readonly awsEndpoint: string;
  readonly deployment: Deployment;
  readonly functions: FunctionInvoker;
  /** Starts workers of a function before the first request needs them. */
  prewarm(functionName: string, count: number): Promise<void>;
  /** A direct invocation, as an operator with IAM rights makes it; throws a `FunctionFailure` if the function fails. */
  invokeOperator(functionName: string, payload: unknown): Promise<unknown>;
  /** Fires every schedule of the template once, now: a world need not wait for its first minute. */
  fireSchedules(): void;
  /** Ends all in an order in which nothing answers for what is gone; `graceMs` is for requests and functions that run. */
  close(graceMs?: number): Promise<void>;
}

function putRules({ events }: StandIns, deployment: Deployment): void {
  for (const bus of deployment.resourcesOfType('AWS::Events::EventBus')) events.createBus(bus.ref);
  for (const rule of eventRulesOf(deployment)) events.putRule(rule);
}

/** The assembly's WebSocket API, with its connections behind the front door. */
function webSocketApiOf(
  { frontDoor, lambda }: StandIns,
  deployment: Deployment,
  { log }: AwsWorldOptions,
): WebSocketApi | undefined {
  const [api, second] = webSocketApisOf(deployment);
  if (second !== undefined)
    throw new AssemblyError('the assembly must have at most one stage of one WebSocket API');
  if (api === undefined) return undefined;
  const webSocketApi = new WebSocketApi({
    api,
    invoker: lambda,
    log: (line) => log('api-gateway', line),
    count: (action) =>
      frontDoor.counts.add({ service: 'execute-api', action, principal: 'client' }),
  });
  frontDoor.register(new ManagementApi(webSocketApi));
  return webSocketApi;
}

function controlServerOf(
  { dynamodb, frontDoor, access, lambda, queues, stepFunctions }: StandIns,
  token: string,
  { ports, region = 'us-east-1' }: AwsWorldOptions,
): ControlServer {
  return new ControlServer({
    token,
    functions: lambda,
    counts: frontDoor.counts,
    faults: frontDoor.faults,
    access,
    stateMachines: stepFunctions,
    queues,
    tables: dynamodb,
    operator: { endpoint: frontDoor.url, region, ...frontDoor.issueCredentials(OPERATOR) },
    port: ports?.control ?? 0,
  });
}

function restServerOf(
  { lambda }: StandIns,
  deployment: Deployment,
  { log, upgrades }: Pick<AwsWorldOptions, 'log'> & Pick<RestServerOptions, 'upgrades'>,
): RestServer {
  const [api, second] = restApisOf(deployment);
  if (api === undefined || second !== undefined)
    throw new AssemblyError('the assembly must have exactly one stage of one REST API');
  return new RestServer({
    api,
    invoker: lambda,
    log: (line) => log('api-gateway', line),
    upgrades,
  });
}

async function assemble(options: AwsWorldOptions, cleanup: Cleanup): Promise<AwsWorld> {
  let network: NetworkModel | undefined;
  const services = await startStandIns(options, cleanup, () => network);
  const { frontDoor, lambda } = services;
  const deployment = await deployAssembly({
    directory: options.assemblyDirectory,
    services: { ...services, issueCredentials: (name) => frontDoor.issueCredentials(name) },
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.environmentOverrides === undefined
      ? {}
      : { environmentOverrides: options.environmentOverrides }),
  });
  services.access.load(accessModelOf(deployment));
  network = networkOf(deployment);
  const controlToken = options.controlToken ?? randomBytes(24).toString('base64url');
  const control = controlServerOf(services, controlToken, options);
  const webSocketApi = webSocketApiOf(services, deployment, options);
  const restServer = restServerOf(services, deployment, {
    log: options.log,
    upgrades: webSocketApi,
  });
  const controlUrl = await control.listen();
  cleanup.add(() => control.close());
  putRules(services, deployment);
  const { journal } = services;
  // Before anybody is told of lost tasks: whoever hears of one may end what waits for it.
  services.stepFunctions.resume();
  // Before the first request: it must not be given a task that is gone.
  if (journal !== undefined)
    await tellOfLostTasks({ journal, functions: lambda, log: (line) => options.log('ecs', line) });
  const restUrl = await restServer.listen(options.ports?.rest ?? 8080);
  cleanup.add((graceMs) => restServer.close(graceMs));
  cleanup.add(async (graceMs) => webSocketApi?.close(graceMs));
  services.events.startSchedules();
  const close = (graceMs = 0) => cleanup.run(graceMs);
  const { awsEndpoint } = services;
  const nameOf = (name: string) => deployment.functionNamed(name).functionName;
  return {
    restUrl,
    websocketUrl:
      webSocketApi && `${new URL(restUrl).origin.replace('http', 'ws')}${webSocketApi.path}`,
    controlUrl,
    controlToken,
    awsEndpoint,
    deployment,
    functions: lambda,
    prewarm: (name, count) => lambda.prewarm(nameOf(name), count),
    invokeOperator: async (name, payload) => {
      const outcome = await lambda.invoke(nameOf(name), payload);
      if ('error' in outcome) throw new FunctionFailure(outcome.error);
      return outcome.payload;
    },
    fireSchedules: () => services.events.fireSchedules(),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** Stands the world up, or leaves nothing behind and throws what stopped it. */
export async function startAwsWorld(options: AwsWorldOptions): Promise<AwsWorld> {
  const cleanup = new Cleanup();
  try {
    return await assemble(options, cleanup);
  } catch (error) {
    await cleanup.run(0);
    throw error;
  }
}
