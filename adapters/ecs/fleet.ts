/** The fleet on Fargate: RunTask with our id as client token, StopTask. Nothing secret in overrides. */
import {
  DescribeTasksCommand,
  type ECSClient,
  InvalidParameterException,
  RunTaskCommand,
  StopTaskCommand,
} from '@aws-sdk/client-ecs';
import type { SandboxFleet } from '../../core/ports.ts';

export interface LaunchSettings {
  readonly taskDefinition: string;
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
}

/** What stops tasks; every function that ends sandboxes has it. */
export function ecsStopper(
  client: ECSClient,
  cluster: string,
): Pick<SandboxFleet, 'stop' | 'check'> {
  return {
    async stop(taskArn, reason) {
      try {
        await client.send(new StopTaskCommand({ cluster, task: taskArn, reason }));
      } catch (error) {
        // ECS forgets a stopped task after an hour: gone is what was wanted.
        if (error instanceof InvalidParameterException && /not found/i.test(error.message)) return;
        throw error;
      }
    },

    /** Any answer about a task that cannot exist shows that ECS answers for our cluster. */
    async check() {
      await client.send(new DescribeTasksCommand({ cluster, tasks: ['0'.repeat(32)] }));
    },
  };
}

export function ecsFleet(
  client: ECSClient,
  cluster: string,
  settings: LaunchSettings,
): SandboxFleet {
  return {
    ...ecsStopper(client, cluster),

    async launch(launchId) {
      const { tasks = [], failures = [] } = await client.send(
        new RunTaskCommand({
          cluster,
          taskDefinition: settings.taskDefinition,
          launchType: 'FARGATE',
          count: 1,
          clientToken: launchId,
          startedBy: launchId,
          enableECSManagedTags: true,
          networkConfiguration: {
            awsvpcConfiguration: {
              subnets: [...settings.subnets],
              securityGroups: [...settings.securityGroups],
              assignPublicIp: 'DISABLED',
            },
          },
        }),
      );
      const taskArn = tasks[0]?.taskArn;
      // RunTask answers 200 with failures when there is no capacity.
      if (!taskArn) throw new Error(`RunTask: ${failures[0]?.reason ?? 'no task and no reason'}`);
      return { taskArn };
    },
  };
}
