/** Reads EventBridge's rules out of a deployed model. A target that is no function, or an input made of the event, stops the start. */
import { z } from 'zod';
import type { RuleDefinition } from '../services/event-bridge/types.ts';
import { requirePermission } from './access.ts';
import type { Deployment } from './deployment.ts';
import { readProperties } from './provider.ts';

const targetProperties = z.object({
  Id: z.string(),
  Arn: z.string().regex(/^arn:aws:lambda:/, 'only functions can be targets on this machine'),
  Input: z.string().optional(),
  DeadLetterConfig: z.object({ Arn: z.string() }).optional(),
  InputPath: z.undefined('a part of the event as input has no stand-in').optional(),
  InputTransformer: z.undefined('an input transformer has no stand-in').optional(),
});

const ruleProperties = z.object({
  EventBusName: z.string().default('default'),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  EventPattern: z.record(z.string(), z.unknown()).optional(),
  ScheduleExpression: z.string().optional(),
  Targets: z.array(targetProperties).default([]),
});

export function eventRulesOf(deployment: Deployment): RuleDefinition[] {
  return deployment.resourcesOfType('AWS::Events::Rule').map((resource) => {
    const { ref, type, properties, attributes } = resource;
    const rule = readProperties(ruleProperties, properties, { address: resource, type });
    const sourceArn = String(attributes['Arn']);
    for (const { Arn } of rule.Targets)
      requirePermission(deployment, {
        service: 'events.amazonaws.com',
        functionName: Arn.split(':').at(6) ?? '',
        sourceArn,
        owner: resource.logicalId,
      });
    return {
      name: ref,
      arn: sourceArn,
      busName: rule.EventBusName,
      enabled: rule.State === 'ENABLED',
      eventPattern: rule.EventPattern,
      scheduleExpression: rule.ScheduleExpression,
      targets: rule.Targets.map(({ Id, Arn, Input, DeadLetterConfig }) => ({
        id: Id,
        functionArn: Arn,
        input: Input,
        deadLetterArn: DeadLetterConfig?.Arn,
      })),
    };
  });
}
