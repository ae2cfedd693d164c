/** What may be done to the tasks of one cluster: launched by one function, stopped by some, seen. */
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { allow } from './statements.ts';

export interface Fleet {
  readonly clusterArn: string;
  /** `…:task/<cluster>/*`. */
  readonly taskArns: string;
  readonly taskDefinitionArn: string;
  readonly executionRoleArn: string;
}

const inCluster = ({ clusterArn }: Fleet) => ({ ArnEquals: { 'ecs:cluster': clusterArn } });

export const stopTasks = (fleet: Fleet): PolicyStatement =>
  allow(['ecs:StopTask'], [fleet.taskArns], inCluster(fleet));

export const describeTasks = (fleet: Fleet): PolicyStatement =>
  allow(['ecs:DescribeTasks'], [fleet.taskArns], inCluster(fleet));

/** ListTasks takes no task as its resource: the condition names the cluster. */
export const listTasks = (fleet: Fleet): PolicyStatement =>
  allow(['ecs:ListTasks'], ['*'], inCluster(fleet));

/** RunTask passes the one role that pulls the image. It sends no tags: those would need TagResource. */
export const launchTasks = (fleet: Fleet): PolicyStatement[] => [
  allow(['ecs:RunTask'], [fleet.taskDefinitionArn], inCluster(fleet)),
  allow(['iam:PassRole'], [fleet.executionRoleArn], {
    StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
  }),
];
