/**
 * One task's record and its two faces: the API's answer and the event's detail. It changes only by `advance`,
 * which counts the version that a late or doubled event is told by. It starts and ends nothing.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { TaskExit } from '../../sandboxes/driver.ts';
import type { RunTaskRequest, TaskOverrides } from './requests.ts';
import type { TaskDefinition } from './types.ts';

type TaskStatus = 'PROVISIONING' | 'PENDING' | 'RUNNING' | 'DEPROVISIONING' | 'STOPPED';
export type StopCode =
  | 'EssentialContainerExited'
  | 'TaskFailedToStart'
  /** The host goes away, and the task with it. */
  | 'TerminationNotice'
  | 'UserInitiated';

export interface TaskState {
  readonly lastStatus: TaskStatus;
  readonly desiredStatus: 'RUNNING' | 'STOPPED';
  /** Known once the task runs. */
  readonly address?: string;
  readonly startedAt?: Date;
  readonly stoppingAt?: Date;
  readonly stoppedAt?: Date;
  readonly stopCode?: StopCode;
  readonly stoppedReason?: string;
  readonly exit?: TaskExit;
}

export interface TaskContext {
  readonly accountId: string;
  readonly region: string;
  readonly clusterName: string;
}

export class Task {
  readonly id = randomBytes(16).toString('hex');
  readonly request: RunTaskRequest;
  readonly definition: TaskDefinition;
  readonly #context: TaskContext;
  readonly #attachmentId = randomUUID();
  readonly #createdAt = new Date();
  #state: TaskState = {
    lastStatus: 'PROVISIONING',
    desiredStatus: 'RUNNING',
  };
  #version = 1;

  constructor(request: RunTaskRequest, definition: TaskDefinition, context: TaskContext) {
    this.request = request;
    this.definition = definition;
    this.#context = context;
  }

  get arn(): string {
    return this.#arn(`task/${this.#context.clusterName}/${this.id}`);
  }

  get clusterArn(): string {
    return this.#arn(`cluster/${this.#context.clusterName}`);
  }

  get state(): TaskState {
    return this.#state;
  }

  get overrides(): TaskOverrides {
    return this.request.overrides;
  }

  get cpu(): string {
    return this.overrides.cpu ?? this.definition.cpu;
  }

  get memory(): string {
    return this.overrides.memory ?? this.definition.memory;
  }

  get diskGib(): number {
    return this.overrides.ephemeralStorage?.sizeInGiB ?? this.definition.ephemeralStorageGib;
  }

  advance(changes: Partial<TaskState>): void {
    this.#state = { ...this.#state, ...changes };
    this.#version += 1;
  }

  /** As RunTask and DescribeTasks answer: instants are seconds since 1970. */
  describe(options: { withTags: boolean }): Record<string, unknown> {
    return {
      ...this.#facts('ElasticNetworkInterface'),
      ...mapDates(this.#instants(), (instant) => instant.getTime() / 1000),
      ...(options.withTags ? { tags: this.request.tags } : { tags: [] }),
    };
  }

  /** As an ECS Task State Change event tells: instants are ISO 8601, and it says when it was written. */
  eventDetail(): Record<string, unknown> {
    const iso = (instant: Date) => instant.toISOString();
    return {
      ...this.#facts('eni'),
      ...mapDates({ ...this.#instants(), updatedAt: new Date() }, iso),
    };
  }

  #instants(): Record<string, Date | undefined> {
    const { startedAt, stoppingAt, stoppedAt } = this.#state;
    return {
      createdAt: this.#createdAt,
      connectivityAt: startedAt,
      startedAt,
      stoppingAt,
      stoppedAt,
      executionStoppedAt: stoppedAt,
    };
  }

  #facts(attachmentType: string): Record<string, unknown> {
    const { lastStatus, desiredStatus, stopCode, stoppedReason, startedAt } = this.#state;
    return {
      attachments: [this.#attachment(attachmentType)],
      attributes: [{ name: 'ecs.cpu-architecture', value: 'x86_64' }],
      availabilityZone: `${this.#context.region}a`,
      clusterArn: this.clusterArn,
      ...(startedAt === undefined ? {} : { connectivity: 'CONNECTED' }),
      containers: this.#containers(),
      cpu: this.cpu,
      desiredStatus,
      enableExecuteCommand: false,
      ephemeralStorage: { sizeInGiB: this.diskGib },
      group: this.request.group ?? `family:${this.definition.family}`,
      lastStatus,
      launchType: 'FARGATE',
      memory: this.memory,
      overrides: this.overrides,
      platformFamily: 'Linux',
      platformVersion: '1.4.0',
      ...(this.request.startedBy === undefined ? {} : { startedBy: this.request.startedBy }),
      ...(stopCode === undefined ? {} : { stopCode }),
      ...(stoppedReason === undefined ? {} : { stoppedReason }),
      taskArn: this.arn,
      taskDefinitionArn: this.#arn(`task-definition/${this.definition.family}:1`),
      version: this.#version,
    };
  }

  #attachment(type: string): Record<string, unknown> {
    const { lastStatus, address } = this.#state;
    const attached = address !== undefined;
    const subnet = {
      name: 'subnetId',
      value: this.request.networkConfiguration.awsvpcConfiguration.subnets[0],
    };
    const details = attached
      ? [
          subnet,
          { name: 'networkInterfaceId', value: `eni-0${this.id.slice(0, 16)}` },
          { name: 'privateIPv4Address', value: address },
        ]
      : [subnet];
    const gone = lastStatus === 'STOPPED' ? 'DELETED' : 'ATTACHED';
    return { id: this.#attachmentId, type, status: attached ? gone : 'PRECREATED', details };
  }

  #containers(): Record<string, unknown>[] {
    const { lastStatus, address, exit } = this.#state;
    const status = lastStatus === 'RUNNING' || lastStatus === 'STOPPED' ? lastStatus : 'PENDING';
    return this.definition.containers.map(({ name, image }, index) => ({
      containerArn: this.#arn(`container/${this.#context.clusterName}/${this.id}/${index}`),
      taskArn: this.arn,
      name,
      image,
      lastStatus: lastStatus === 'DEPROVISIONING' ? 'STOPPED' : status,
      networkInterfaces:
        address === undefined
          ? []
          : [{ attachmentId: this.#attachmentId, privateIpv4Address: address }],
      ...(exit === undefined || exit.exitCode === null ? {} : { exitCode: exit.exitCode }),
      ...(exit?.outOfMemory === true
        ? { reason: 'OutOfMemoryError: Container killed due to memory usage' }
        : {}),
      cpu: '0',
    }));
  }

  #arn(resource: string): string {
    const { region, accountId } = this.#context;
    return `arn:aws:ecs:${region}:${accountId}:${resource}`;
  }
}

function mapDates<T>(
  instants: Readonly<Record<string, Date | undefined>>,
  convert: (instant: Date) => T,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(instants).flatMap(([name, instant]) =>
      instant === undefined ? [] : [[name, convert(instant)] as const],
    ),
  );
}
