/** Starts the stand-ins of one world and tells each of those that it needs. What is deployed into them is not theirs to know. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskDriver } from '../sandboxes/driver.ts';
import { DynamoDbService } from '../services/dynamodb/service.ts';
import { EcsService } from '../services/ecs/ecs-service.ts';
import { TaskJournal } from '../services/ecs/task-journal.ts';
import type { NetworkModel } from '../services/ecs/types.ts';
import { EventBridgeService } from '../services/event-bridge/event-bridge-service.ts';
import { fateUnder } from '../services/front-door/faults/event-fate.ts';
import { FrontDoor } from '../services/front-door/front-door.ts';
import { AccessControl } from '../services/iam/access-control.ts';
import { LambdaService } from '../services/lambda/lambda-service.ts';
import type { Behaviour } from '../services/profile.ts';
import { S3Service } from '../services/s3/service.ts';
import { Queues } from '../services/sqs/queues.ts';
import { StepFunctionsService } from '../services/step-functions/step-functions-service.ts';
import type { Cleanup } from './cleanup.ts';
import { checkMachine, maySend } from './on-behalf.ts';

export interface StandInOptions {
  /** Where tables, objects, executions and the names of tasks stay; without it they end with the world. */
  readonly dataDirectory?: string | undefined;
  readonly taskDriver: TaskDriver;
  /** 0 is any free port, and the default of all but `rest`, which is 8080. */
  readonly ports?: { readonly rest?: number; readonly aws?: number; readonly control?: number };
  readonly region?: string;
  /** By default `fast`. */
  readonly behaviour?: Behaviour;
  /** Waits before the retries of an asynchronous event; by default as on AWS, one and two minutes. */
  readonly asyncRetryDelaysMs?: readonly number[] | undefined;
  /** One line of a function or of a stand-in. */
  readonly log: (source: string, line: string) => void;
}

const accountId = '000000000000';

/** Every stand-in, behind its front door. */
export interface StandIns {
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

async function dataFolder(options: StandInOptions, cleanup: Cleanup): Promise<string> {
  if (options.dataDirectory !== undefined) return options.dataDirectory;
  const directory = await mkdtemp(join(tmpdir(), 'aws-world-'));
  cleanup.add(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function startStorage(options: StandInOptions, data: string, cleanup: Cleanup) {
  const { region = 'us-east-1', dataDirectory, log } = options;
  const dynamodb = new DynamoDbService({
    accountId,
    region,
    path: dataDirectory === undefined ? undefined : join(data, 'dynamodb'),
    behaviour: options.behaviour?.dynamodb,
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

function frontDoorOf(access: AccessControl, { ports, log, behaviour }: StandInOptions): FrontDoor {
  return new FrontDoor({
    port: ports?.aws ?? 0,
    access,
    ...(behaviour === undefined ? {} : { chance: behaviour.chance.of('faults') }),
    onError: (error, { service, action }) => log(service, `${action}: ${messageOf(error)}`),
  });
}

function lambdaOf(
  {
    frontDoor,
    access,
    queues,
    awsEndpoint,
  }: Pick<StandIns, 'frontDoor' | 'access' | 'queues' | 'awsEndpoint'>,
  { log, region = 'us-east-1', asyncRetryDelaysMs, behaviour }: StandInOptions,
): LambdaService {
  return new LambdaService({
    accountId,
    region,
    endpointUrl: awsEndpoint,
    log: (functionName, requestId, line) =>
      log(functionName, requestId === undefined ? line : `${requestId} ${line}`),
    deliver: async (destination, record) => {
      if (maySend(access, record.requestContext.functionArn, destination))
        giveUp(queues, log, destination, record);
    },
    fateOf: (functionName) => fateOfEvent(frontDoor, functionName),
    asyncRetryDelaysMs,
    behaviour: behaviour?.lambda,
  });
}

/** Starts them all; each of them ends with the cleanup. */
export async function startStandIns(
  options: StandInOptions,
  cleanup: Cleanup,
  network: () => NetworkModel | undefined,
): Promise<StandIns> {
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
  const lambda = lambdaOf({ frontDoor, access, queues, awsEndpoint }, options);
  cleanup.add((graceMs) => lambda.close(graceMs));
  const events = new EventBridgeService({
    ...place,
    invoker: lambda,
    behaviour: options.behaviour?.events,
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
    behaviour: options.behaviour?.ecs,
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
function giveUp(queues: Queues, log: StandInOptions['log'], queueArn: string, body: unknown): void {
  log(queueArn, JSON.stringify(body));
  queues.send(queueArn, body);
}
