/**
 * What a request to ECS asks for. RunTask also passes the roles of the task definition, and tags the task if the
 * request has tags; ListTasks takes no task for its resource.
 */
import type { Right } from '../iam/decision.ts';
import { listOf, parseObject, textOf } from '../shared/json-object.ts';

export interface FleetNames {
  readonly clusterArn: (nameOrArn: string) => string;
  readonly taskArn: (cluster: string, idOrArn: string) => string;
  readonly taskDefinitionArn: (nameOrArn: string) => string;
  /** Of a task definition: execution role and task role, as far as it has them. */
  readonly roleArns: (taskDefinition: string) => readonly string[];
}

export function ecsRights(operation: string, body: Buffer | undefined, names: FleetNames): Right[] {
  const request = parseObject(body);
  const cluster = textOf(request['cluster']) ?? 'default';
  const context = { 'ecs:cluster': [names.clusterArn(cluster)] };
  const action = `ecs:${operation}`;
  const onTask = (task: unknown): Right => ({
    action,
    resource: names.taskArn(cluster, textOf(task) ?? ''),
    context,
  });
  switch (operation) {
    case 'RunTask': {
      const definition = textOf(request['taskDefinition']) ?? '';
      const isTagged = listOf(request['tags']).length > 0;
      return [
        { action, resource: names.taskDefinitionArn(definition), context },
        ...names.roleArns(definition).map(passRole),
        ...(isTagged ? [tagNewTask(names.taskArn(cluster, NEW_TASK))] : []),
      ];
    }
    case 'StopTask':
      return [onTask(request['task'])];
    case 'DescribeTasks': {
      const tasks = listOf(request['tasks']);
      return tasks.length > 0 ? tasks.map(onTask) : [onTask('')];
    }
    default:
      return [{ action, resource: '*', context }];
  }
}

/** It has no id before it is made: no grant can name it. */
const NEW_TASK = '0'.repeat(32);

const passRole = (resource: string): Right => ({
  action: 'iam:PassRole',
  resource,
  context: { 'iam:passedtoservice': ['ecs-tasks.amazonaws.com'] },
});

const tagNewTask = (resource: string): Right => ({
  action: 'ecs:TagResource',
  resource,
  context: { 'ecs:createaction': ['RunTask'] },
});
