/**
 * The ECS stand-in: RunTask, StopTask, DescribeTasks and ListTasks over the task driver.
 * Clusters and task definitions come from the assembly only. It never looks inside a task.
 */
import type { ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { AwsRequest, AwsService, UncheckedRequest } from '../service.ts';
import { sendJson } from '../shared/send-json.ts';
import { EcsError } from './errors.ts';
import { checkFargateSize } from './fargate-sizes.ts';
import {
  checkOverridesLength,
  type DescribeTasksRequest,
  type ListTasksRequest,
  parseRequest,
  type RunTaskRequest,
  requestSchemas,
  type StopTaskRequest,
} from './requests.ts';
import { ecsRights } from './rights.ts';
import { RunTaskRate } from './run-task-rate.ts';
import { Task } from './task.ts';
import { TaskLife, type TaskLifeOptions } from './task-life.ts';
import type { TaskDefinition } from './types.ts';

/** ECS shows a stopped task for at least an hour. */
const stoppedVisibleMs = 3_600_000;

/** A clientToken stands for its request this long. */
const tokenMs = 24 * 3_600_000;

export interface EcsServiceOptions extends TaskLifeOptions {
  readonly accountId: string;
  readonly region: string;
  /** Above this many live tasks RunTask answers a failure instead of a task. */
  readonly maximumTasks?: number;
  /** Milliseconds since 1970, for that rate. */
  readonly now?: () => number;
}

export class EcsService implements AwsService {
  readonly name = 'ecs';
  readonly #options: EcsServiceOptions;
  readonly #clusters = new Set<string>();
  readonly #definitions = new Map<string, TaskDefinition>();
  readonly #lives = new Map<string, TaskLife>();
  readonly #tokens = new Map<string, { request: RunTaskRequest; taskIds: readonly string[] }>();
  readonly #rate: RunTaskRate | undefined;

  constructor(options: EcsServiceOptions) {
    this.#options = options;
    const { behaviour = {}, now = Date.now } = options;
    const { runTasksPerSecond: perSecond } = behaviour;
    this.#rate = perSecond === undefined ? undefined : new RunTaskRate({ perSecond, now });
  }

  createCluster(clusterName: string): void {
    this.#clusters.add(clusterName);
  }

  registerTaskDefinition(definition: TaskDefinition): void {
    if (definition.containers.length !== 1)
      throw new Error(
        `Task definition ${definition.family} has ${definition.containers.length} containers; a task of this machine has one`,
      );
    checkFargateSize(definition.cpu, definition.memory);
    this.#definitions.set(definition.family, definition);
  }

  rights({ target, body }: UncheckedRequest) {
    const arn = (kind: string, name: string) =>
      name.startsWith('arn:')
        ? name
        : `arn:aws:ecs:${this.#options.region}:${this.#options.accountId}:${kind}/${name}`;
    return ecsRights(target?.split('.').at(-1) ?? '', body, {
      clusterArn: (name) => arn('cluster', name),
      taskArn: (cluster, id) => this.#taskArn(cluster.split('/').at(-1) ?? '', id),
      taskDefinitionArn: (name) => arn('task-definition', name.includes(':') ? name : `${name}:1`),
      roleArns: (name) => this.#definitions.get(familyOf(name))?.roleArns ?? [],
    });
  }

  async handle({ target, body }: AwsRequest, response: ServerResponse): Promise<void> {
    try {
      sendJson(response, 200, this.#answer(target?.split('.').at(-1) ?? '', body), '1.1');
    } catch (error) {
      if (!(error instanceof EcsError)) throw error;
      sendJson(response, 400, { __type: error.code, message: error.message }, '1.1');
    }
  }

  /** Ends every live task and waits until all are gone. */
  async close(): Promise<void> {
    for (const life of this.#lives.values()) life.stop('TerminationNotice', 'The host is stopping');
    await Promise.all([...this.#lives.values()].map(({ ended }) => ended));
  }

  #answer(operation: string, body: Buffer | undefined): object {
    switch (operation) {
      case 'RunTask':
        return this.#runTask(parseRequest(requestSchemas.RunTask, body));
      case 'StopTask':
        return this.#stopTask(parseRequest(requestSchemas.StopTask, body));
      case 'DescribeTasks':
        return this.#describeTasks(parseRequest(requestSchemas.DescribeTasks, body));
      case 'ListTasks':
        return this.#listTasks(parseRequest(requestSchemas.ListTasks, body));
      default:
        throw new EcsError(
          'UnknownOperationException',
          `The stand-in of ECS does not serve the operation ${operation}`,
        );
    }
  }

  #runTask(request: RunTaskRequest): object {
    const clusterName = this.#cluster(request.cluster);
    const definition = this.#definition(request.taskDefinition);
    checkOverridesLength(request.overrides);
    this.#checkContainers(request, definition);
    const { overrides, clientToken } = request;
    checkFargateSize(overrides.cpu ?? definition.cpu, overrides.memory ?? definition.memory);
    for (const subnet of request.networkConfiguration.awsvpcConfiguration.subnets)
      this.#checkSubnet(subnet);
    const former = clientToken === undefined ? undefined : this.#tokens.get(clientToken);
    if (former !== undefined) return this.#repeat(former, request);
    this.#rate?.take(request.count);
    const taskIds: string[] = [];
    const failures: object[] = [];
    for (let index = 0; index < request.count; index += 1) {
      if (this.#liveCount() >= (this.#options.maximumTasks ?? 1000)) {
        failures.push({ reason: 'Capacity is unavailable at this time. Please try again later.' });
        continue;
      }
      const task = new Task(request, definition, { ...this.#options, clusterName });
      taskIds.push(task.id);
      const life = new TaskLife(task, this.#options);
      this.#lives.set(task.id, life);
      void life.ended.then(() => this.#forgetLater(task.id));
    }
    if (clientToken !== undefined && failures.length === 0) {
      this.#tokens.set(clientToken, { request, taskIds });
      setTimeout(() => this.#tokens.delete(clientToken), tokenMs).unref();
    }
    return { tasks: this.#describe(taskIds), failures };
  }

  #repeat(
    former: { request: RunTaskRequest; taskIds: readonly string[] },
    request: RunTaskRequest,
  ): object {
    if (!isDeepStrictEqual(former.request, request))
      throw new EcsError(
        'ConflictException',
        'The clientToken was used before with other parameters.',
      );
    return { tasks: this.#describe(former.taskIds), failures: [] };
  }

  #stopTask({ cluster, task, reason }: StopTaskRequest): object {
    const life = this.#find(this.#cluster(cluster), task);
    if (life === undefined)
      throw new EcsError('InvalidParameterException', 'The referenced task was not found.');
    life.stop('UserInitiated', reason ?? 'Task stopped by user');
    return { task: life.task.describe({ withTags: true }) };
  }

  #describeTasks({ cluster, tasks, include }: DescribeTasksRequest): object {
    const clusterName = this.#cluster(cluster);
    const withTags = include.includes('TAGS');
    const found = tasks.map((name) => ({ name, life: this.#find(clusterName, name) }));
    return {
      tasks: found.flatMap(({ life }) =>
        life === undefined ? [] : [life.task.describe({ withTags })],
      ),
      failures: found
        .filter(({ life }) => life === undefined)
        .map(({ name }) => ({ arn: this.#taskArn(clusterName, name), reason: 'MISSING' })),
    };
  }

  #listTasks(request: ListTasksRequest): object {
    const { family, startedBy, desiredStatus, maxResults, nextToken } = request;
    const clusterName = this.#cluster(request.cluster);
    const matching = [...this.#lives.values()]
      .map(({ task }) => task)
      .filter(
        (task) =>
          task.clusterArn.endsWith(`cluster/${clusterName}`) &&
          // ECS never sets a desired status of PENDING: that filter finds nothing.
          task.state.desiredStatus === desiredStatus &&
          (family === undefined || task.definition.family === family) &&
          (startedBy === undefined || task.request.startedBy === startedBy),
      );
    const start = Number(nextToken ?? 0);
    const page = matching.slice(start, start + maxResults);
    const end = start + page.length;
    return {
      taskArns: page.map(({ arn }) => arn),
      ...(end < matching.length ? { nextToken: String(end) } : {}),
    };
  }

  #liveCount(): number {
    return [...this.#lives.values()].filter(({ task }) => task.state.lastStatus !== 'STOPPED')
      .length;
  }

  #describe(taskIds: readonly string[]): object[] {
    return taskIds.flatMap((id) => {
      const life = this.#lives.get(id);
      return life === undefined ? [] : [life.task.describe({ withTags: true })];
    });
  }

  #forgetLater(taskId: string): void {
    setTimeout(() => this.#lives.delete(taskId), stoppedVisibleMs).unref();
  }

  #cluster(nameOrArn: string): string {
    const name = nameOrArn.split('/').at(-1) ?? '';
    if (this.#clusters.has(name)) return name;
    throw new EcsError('ClusterNotFoundException', 'Cluster not found.');
  }

  /** `family`, `family:1` or the ARN. */
  #definition(name: string): TaskDefinition {
    const [, revision = '1'] = (name.split('/').at(-1) ?? '').split(':');
    const definition = this.#definitions.get(familyOf(name));
    if (definition !== undefined && revision === '1') return definition;
    throw new EcsError('ClientException', 'TaskDefinition not found.');
  }

  #checkContainers({ overrides }: RunTaskRequest, { containers }: TaskDefinition): void {
    for (const { name } of overrides.containerOverrides) {
      if (containers.some((container) => container.name === name)) continue;
      throw new EcsError(
        'InvalidParameterException',
        `Override for container named ${name} is not a container in the TaskDefinition.`,
      );
    }
  }

  #checkSubnet(subnetId: string): void {
    try {
      this.#options.network.hasDefaultRoute(subnetId);
    } catch {
      throw new EcsError(
        'InvalidParameterException',
        `Error retrieving subnet information for [${subnetId}]: The subnet ID '${subnetId}' does not exist`,
      );
    }
  }

  #find(clusterName: string, nameOrArn: string): TaskLife | undefined {
    const life = this.#lives.get(nameOrArn.split('/').at(-1) ?? '');
    return life?.task.arn === this.#taskArn(clusterName, nameOrArn) ? life : undefined;
  }

  #taskArn(clusterName: string, nameOrArn: string): string {
    if (nameOrArn.startsWith('arn:')) return nameOrArn;
    const { region, accountId } = this.#options;
    return `arn:aws:ecs:${region}:${accountId}:task/${clusterName}/${nameOrArn}`;
  }
}

const familyOf = (nameOrArn: string): string => nameOrArn.split('/').at(-1)?.split(':')[0] ?? '';
