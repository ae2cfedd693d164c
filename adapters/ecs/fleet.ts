/** The fleet on Fargate: RunTask with our id as client token, StopTask. Nothing secret in overrides. */
import {
  DescribeTasksCommand,
  type ECSClient,
  InvalidParameterException,
  ListTasksCommand,
  RunTaskCommand,
  type RunTaskCommandInput,
  StopTaskCommand,
} from '@aws-sdk/client-ecs';
import { LaunchId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { NetworkAccess } from '../../contract/rest/sandboxes.ts';
import {
  type LaunchSpec,
  NoCapacity,
  type RunningTask,
  type SandboxFleet,
} from '../../core/ports.ts';

export interface Placement {
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
}

export interface LaunchSettings {
  readonly taskDefinition: string;
  /** Where the tasks of a network are placed; `internet` only where that network was deployed. */
  readonly placements: { readonly none: Placement; readonly internet?: Placement | undefined };
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

    async launch(launchId, spec) {
      const { tasks = [], failures = [] } = await run(
        client,
        runTask(cluster, settings, launchId, spec),
      );
      const taskArn = tasks[0]?.taskArn;
      if (taskArn) return { taskArn };
      // RunTask answers 200 with failures when there is no capacity.
      throw new NoCapacity(`RunTask: ${failures[0]?.reason ?? 'no task and no reason'}`);
    },

    async list() {
      const running: RunningTask[] = [];
      let nextToken: string | undefined;
      do {
        const page = await client.send(new ListTasksCommand({ cluster, nextToken }));
        running.push(...(await describe(client, cluster, page.taskArns ?? [])));
        nextToken = page.nextToken;
      } while (nextToken);
      return running;
    },
  };
}

/** Too many launches a second are no capacity at the moment, and a full account too. */
const LATER = new Set(['ThrottlingException', 'LimitExceededException']);

async function run(client: ECSClient, input: RunTaskCommandInput) {
  try {
    return await client.send(new RunTaskCommand(input));
  } catch (error) {
    if (error instanceof Error && LATER.has(error.name))
      throw new NoCapacity(`RunTask: ${error.name}`, { cause: error });
    throw error;
  }
}

function runTask(
  cluster: string,
  { taskDefinition, placements }: LaunchSettings,
  launchId: LaunchId,
  spec: LaunchSpec,
): RunTaskCommandInput {
  const placement = placements[spec.network];
  if (!placement) throw new Error(`no network for ${spec.network} was deployed`);
  return {
    cluster,
    taskDefinition,
    launchType: 'FARGATE',
    count: 1,
    clientToken: launchId,
    startedBy: launchId,
    overrides: overridesOf(spec),
    networkConfiguration: {
      awsvpcConfiguration: {
        subnets: [...placement.subnets],
        securityGroups: [...placement.securityGroups],
        assignPublicIp: PUBLIC_IP[spec.network],
      },
    },
  };
}

/** A public subnet gives a way out only to what has a public address. */
const PUBLIC_IP = {
  none: 'DISABLED',
  internet: 'ENABLED',
} as const satisfies Record<NetworkAccess, string>;

function overridesOf({ cpu, memoryMb, diskGb }: LaunchSpec): RunTaskCommandInput['overrides'] {
  return {
    cpu: String(cpu * 1024),
    memory: String(memoryMb),
    // 20 GB is what a task has; the override takes 21 and more.
    ...(diskGb > LIMITS.diskGb.default ? { ephemeralStorage: { sizeInGiB: diskGb } } : {}),
    containerOverrides: [
      {
        name: 'agent',
        environment: [{ name: 'AGENT_MEMORY_BYTES', value: String(memoryMb * 1024 * 1024) }],
      },
    ],
  };
}

async function describe(
  client: ECSClient,
  cluster: string,
  taskArns: string[],
): Promise<RunningTask[]> {
  if (taskArns.length === 0) return [];
  const { tasks = [] } = await client.send(new DescribeTasksCommand({ cluster, tasks: taskArns }));
  return tasks.flatMap(({ taskArn, startedBy, createdAt }) => {
    if (!taskArn || !createdAt) return [];
    const launch = LaunchId.safeParse(startedBy);
    return [{ taskArn, launchId: launch.data, createdMs: createdAt.getTime() }];
  });
}
