/** Adapters that several functions put together from their environment in the same way. */
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { LaunchSettings } from '../../adapters/ecs/fleet.ts';
import { eventBridgeBus } from '../../adapters/event-bridge/event-bus.ts';
import { lambdaAgentGateway } from '../../adapters/lambda/agent-gateway.ts';
import { stepFunctionsLifecycle } from '../../adapters/step-functions/lifecycle.ts';
import type {
  AgentBytes,
  AgentGateway,
  AgentTransfers,
  EventBus,
  Lifecycle,
} from '../../core/ports.ts';
import { BOUNDED } from './clients.ts';

export const agentGatewayOf = (
  lambda: LambdaClient,
  env: {
    readonly AGENT_GATEWAY_FUNCTION: string;
    readonly OPEN_AGENT_GATEWAY_FUNCTION?: string | undefined;
  },
): AgentGateway & AgentBytes & AgentTransfers =>
  lambdaAgentGateway(lambda, {
    none: env.AGENT_GATEWAY_FUNCTION,
    internet: env.OPEN_AGENT_GATEWAY_FUNCTION,
  });

export const launchSettingsOf = (env: {
  readonly TASK_DEFINITION: string;
  readonly SUBNETS: string[];
  readonly SECURITY_GROUPS: string[];
  readonly OPEN_SUBNETS?: string[] | undefined;
  readonly OPEN_SECURITY_GROUPS?: string[] | undefined;
}): LaunchSettings => ({
  taskDefinition: env.TASK_DEFINITION,
  placements: {
    none: { subnets: env.SUBNETS, securityGroups: env.SECURITY_GROUPS },
    ...(env.OPEN_SUBNETS
      ? {
          internet: {
            subnets: env.OPEN_SUBNETS,
            securityGroups: env.OPEN_SECURITY_GROUPS ?? [],
          },
        }
      : {}),
  },
});

export const lifecycleOf = (env: { readonly LIFECYCLE_MACHINE: string }): Lifecycle =>
  stepFunctionsLifecycle(new SFNClient(BOUNDED), env.LIFECYCLE_MACHINE);

export const eventBusOf = (env: { readonly EVENT_SOURCE: string }): EventBus =>
  eventBridgeBus(new EventBridgeClient(BOUNDED), env.EVENT_SOURCE);
