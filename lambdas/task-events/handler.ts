/** `task-events`: what ECS tells of our tasks: running → free, stopped → its sandbox ends. */
import { ECSClient } from '@aws-sdk/client-ecs';
import { LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod/mini';
import { ecsStopper } from '../../adapters/ecs/fleet.ts';
import { lambdaPoolRefill } from '../../adapters/lambda/starters.ts';
import { LaunchId } from '../../contract/ids.ts';
import { onTaskRunning, onTaskStopped } from '../../core/pool/task-events.ts';
import { BOUNDED, CONNECTING, documentClient, stateStores } from '../shared/clients.ts';
import { parseEnv } from '../shared/env.ts';
import { agentGatewayOf, lifecycleOf } from '../shared/parts.ts';
import { clock } from '../shared/system.ts';
import { logError, logInfo } from '../shared/telemetry.ts';
import { TaskEventsEnv } from './env.ts';

const env = parseEnv(TaskEventsEnv);
const lambda = new LambdaClient(CONNECTING);
const fleet = ecsStopper(new ECSClient(BOUNDED), env.CLUSTER);
const deps = {
  ...stateStores(documentClient(), env.STATE_TABLE),
  gateway: agentGatewayOf(lambda, env),
  lifecycle: lifecycleOf(env),
  refill: lambdaPoolRefill(lambda, env.POOL_FUNCTION, (error) =>
    logError('refill not asked for', error),
  ),
  fleet,
  clock,
};

/** ECS's code for a task whose host goes away. */
const HOST_GONE = 'TerminationNotice';

/** The part of `ECS Task State Change` that we read; the address is in the network attachment. */
const TaskStateChange = z.object({
  detail: z.object({
    taskArn: z.string(),
    lastStatus: z.string(),
    desiredStatus: z.string(),
    startedBy: z.optional(z.string()),
    stopCode: z.optional(z.string()),
    stoppedReason: z.optional(z.string()),
    containers: z.optional(
      z.array(
        z.object({
          exitCode: z.optional(z.number()),
          networkInterfaces: z.optional(
            z.array(z.object({ privateIpv4Address: z.optional(z.ipv4()) })),
          ),
        }),
      ),
    ),
  }),
});

export async function handler(event: unknown): Promise<void> {
  const { detail } = TaskStateChange.parse(event);
  const launch = LaunchId.safeParse(detail.startedBy);
  // Tasks that somebody else started in our cluster are not ours to judge.
  if (!launch.success) return;
  const { taskArn } = detail;
  // A task that is told to stop is reported as RUNNING once more.
  if (detail.lastStatus === 'RUNNING' && detail.desiredStatus === 'RUNNING') {
    const host = detail.containers?.[0]?.networkInterfaces?.[0]?.privateIpv4Address;
    if (!host) throw new Error(`task ${taskArn} is RUNNING without an address`);
    const outcome = await onTaskRunning(deps, { launchId: launch.data, taskArn, host });
    logInfo('task running', { taskArn, outcome });
  }
  if (detail.lastStatus === 'STOPPED') {
    const { stopCode, stoppedReason } = detail;
    await onTaskStopped(deps, launch.data, stopCode === HOST_GONE ? 'host_restarted' : 'task_died');
    logInfo('task stopped', {
      taskArn,
      stopCode,
      stoppedReason,
      exitCode: detail.containers?.[0]?.exitCode,
    });
  }
}
