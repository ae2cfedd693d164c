/**
 * The whole of AWS for one assembly on one machine: every stand-in behind the front door, the assembly deployed into
 * them, the REST API on its public port. The one place where stand-ins meet; it knows nothing of the product.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskDriver } from '../sandboxes/driver.ts';
import { RestServer, type RestServerOptions } from '../services/api-gateway/rest-server.ts';
import { ManagementApi } from '../services/api-gateway/websocket/management-api.ts';
import { WebSocketApi } from '../services/api-gateway/websocket/websocket-api.ts';
import { DynamoDbService } from '../services/dynamodb/service.ts';
import { EcsService } from '../services/ecs/ecs-service.ts';
import { TaskJournal } from '../services/ecs/task-journal.ts';
import type { NetworkModel } from '../services/ecs/types.ts';
import { EventBridgeService } from '../services/event-bridge/event-bridge-service.ts';
import { ControlServer } from '../services/front-door/control-server.ts';
import { fateUnder } from '../services/front-door/faults/event-fate.ts';
import { FrontDoor } from '../services/front-door/front-door.ts';
import { AccessControl } from '../services/iam/access-control.ts';
import { FunctionFailure } from '../services/lambda/errors.ts';
import { LambdaService } from '../services/lambda/lambda-service.ts';
import type { FunctionInvoker } from '../services/lambda/types.ts';
import { S3Service } from '../services/s3/service.ts';
import { Queues } from '../services/sqs/queues.ts';
import { StepFunctionsService } from '../services/step-functions/step-functions-service.ts';
import { accessModelOf } from './access.ts';
import { Cleanup } from './cleanup.ts';
import { deployAssembly } from './deploy.ts';
import type { Deployment } from './deployment.ts';
import { AssemblyError } from './errors.ts';
import { eventRulesOf } from './event-rules.ts';
import type { EnvironmentOverrides } from './functions.ts';
import { tellOfLostTasks } from './lost-tasks.ts';
import { networkOf } from './network.ts';
import { checkMachine, maySend } from './on-behalf.ts';
import { restApisOf } from './rest-apis.ts';
import { webSocketApisOf } from './websocket-apis.ts';

export interface AwsWorldOptions {
  /** The synthesized `cdk.out`. */
  readonly assemblyDirectory: string;
  /** Where tables, objects, executions and the names of tasks stay; without it they end with the world. */
  readonly dataDirectory?: string | undefined;
  readonly taskDriver: TaskDriver;
  /** 0 is any free port, and the default of all but `rest`, which is 8080. */
  readonly ports?: { readonly rest?: number; readonly aws?: number; readonly control?: number };
  readonly region?: string;
  /** What the control port asks for; random if it is not given. */
  readonly controlToken?: string;
  readonly environmentOverrides?: EnvironmentOverrides;
  /** Waits before the retries of an asynchronous event; by default as on AWS, one and two minutes. */
  readonly asyncRetryDelaysMs?: readonly number[] | undefined;
  /** One line of a function or of a stand-in. */
  readonly log: (source: string, line: string) => void;
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

const accountId = '000000000000';

interface Services {
  readonly frontDoor: FrontDoor;
  readonly access: AccessControl;
  readonly awsEndpoint: string;
  readonly lambda: LambdaService;
  readonly dynamodb: DynamoDbService;
  readonly s3: S3Service;
  readonly events: EventBridgeService;
  readonly ecs: EcsService;
  readonly queues: Queues;
  readonly stepFunctions: StepFunctionsService;
  /** Only where something outlives the world: then what it lost must be told of. */
  readonly journal: TaskJournal | undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function dataFolder(options: AwsWorldOptions, cleanup: Cleanup): Promise<string> {
  if (options.dataDirectory !== undefined) return options.dataDirectory;
  const directory = await mkdtemp(join(tmpdir(), 'aws-world-'));
  cleanup.add(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function startStorage(options: AwsWorldOptions, data: string, cleanup: Cleanup) {
  const { region = 'us-east-1', dataDirectory, log } = options;
  const dynamodb = new DynamoDbService({
    accountId,
    region,
    path: dataDirectory === undefined ? undefined : join(data, 'dynamodb'),
    onError: (error) => log('dynamodb', messageOf(error)),
  });
  cleanup.add(() => dynamodb.close());
  const s3 = new S3Service({
    directory: join(data, 's3'),
    onError: (error) => log('s3', messageOf(error)),
  });
  cleanup.add(() => s3.close());
  return { dynamodb, s3 };
}

function frontDoorOf(access: AccessControl, { ports, log }: AwsWorldOptions): FrontDoor {
  return new FrontDoor({
    port: ports?.aws ?? 0,
    access,
    onError: (error, { service, action }) => log(service, `${action}: ${messageOf(error)}`),
  });
}

async function startServices(
  options: AwsWorldOptions,
  cleanup: Cleanup,
  network: () => NetworkModel | undefined,
): Promise<Services> {
  const { log, region = 'us-east-1', dataDirectory, taskDriver } = options;
  const place = { accountId, region };
  const onError = (source: string) => (error: unknown) => log(source, messageOf(error));
  const access = new AccessControl({ log: (line) => log('iam', line) });
  const frontDoor = frontDoorOf(access, options);
  const data = await dataFolder(options, cleanup);
  const { dynamodb, s3 } = startStorage(options, data, cleanup);
  const queues = new Queues();
  const awsEndpoint = await frontDoor.listen();
  cleanup.add(() => frontDoor.close());
  const lambda = new LambdaService({
    ...place,
    endpointUrl: awsEndpoint,
    log: (functionName, requestId, line) =>
      log(functionName, requestId === undefined ? line : `${requestId} ${line}`),
    deliver: async (destination, record) => {
      if (maySend(access, record.requestContext.functionArn, destination))
        giveUp(queues, log, destination, record);
    },
    fateOf: (functionName) => fateOfEvent(frontDoor, functionName),
    asyncRetryDelaysMs: options.asyncRetryDelaysMs,
  });
  cleanup.add((graceMs) => lambda.close(graceMs));
  const events = new EventBridgeService({
    ...place,
    invoker: lambda,
    log: (line) => log('events', line),
    deadLetter: (queueArn, event) => giveUp(queues, log, queueArn, event),
  });
  const stepFunctions = new StepFunctionsService({
    ...place,
    invoker: lambda,
    mayInvoke: (call) => checkMachine(access, call),
    directory: dataDirectory === undefined ? undefined : join(data, 'step-functions'),
    onError: onError('states'),
  });
  cleanup.add(() => stepFunctions.close());
  const journal =
    dataDirectory === undefined
      ? undefined
      : new TaskJournal({ directory: join(data, 'ecs'), events, onError: onError('ecs') });
  const ecs = new EcsService({
    ...place,
    driver: taskDriver,
    events: journal ?? events,
    // No function runs, so no task is asked for, before the subnets are known.
    network: { hasDefaultRoute: (subnetId) => network()?.hasDefaultRoute(subnetId) ?? false },
  });
  cleanup.add(async () => {
    // No function hears of tasks that end with the world: the next start tells of them.
    await events.close();
    await Promise.all([ecs.close(), taskDriver.close()]);
    journal?.close();
  });
  const services = { lambda, dynamodb, s3, events, ecs, stepFunctions };
  for (const service of Object.values(services)) frontDoor.register(service);
  return { ...services, frontDoor, access, awsEndpoint, queues, journal };
}

function fateOfEvent({ faults }: FrontDoor, functionName: string) {
  const strike = faults.strikeEvent(functionName);
  return strike && fateUnder(strike);
}

/** An event that AWS would put into a queue on our behalf: there, and said in the log. */
function giveUp(
  queues: Queues,
  log: AwsWorldOptions['log'],
  queueArn: string,
  body: unknown,
): void {
  log(queueArn, JSON.stringify(body));
  queues.send(queueArn, body);
}

function putRules({ events }: Services, deployment: Deployment): void {
  for (const bus of deployment.resourcesOfType('AWS::Events::EventBus')) events.createBus(bus.ref);
  for (const rule of eventRulesOf(deployment)) events.putRule(rule);
}

/** The assembly's WebSocket API, with its connections behind the front door. */
function webSocketApiOf(
  { frontDoor, lambda }: Services,
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
  { frontDoor, lambda, queues, stepFunctions }: Services,
  token: string,
  { ports }: AwsWorldOptions,
): ControlServer {
  return new ControlServer({
    token,
    functions: lambda,
    counts: frontDoor.counts,
    faults: frontDoor.faults,
    stateMachines: stepFunctions,
    queues,
    port: ports?.control ?? 0,
  });
}

function restServerOf(
  { lambda }: Services,
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
  const services = await startServices(options, cleanup, () => network);
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
