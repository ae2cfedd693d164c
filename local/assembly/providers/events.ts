/** EventBridge buses and rules: kept in the model, from where world.ts hands them to the stand-in. */
import { z } from 'zod';
import { physicalName } from '../naming.ts';
import { type Provider, readProperties } from '../provider.ts';

const rule: Provider = async (_logicalId, properties, context) => {
  const schema = z.object({ Name: z.string().optional(), EventBusName: z.string().optional() });
  const { Name, EventBusName } = readProperties(schema, properties, context);
  const name = Name ?? physicalName(context.address);
  const bus = EventBusName === undefined ? '' : `${EventBusName}/`;
  return { ref: name, attributes: { Arn: context.arn('events', `rule/${bus}${name}`) } };
};

const eventBus: Provider = async (_logicalId, properties, context) => {
  const { Name } = readProperties(z.object({ Name: z.string() }), properties, context);
  return { ref: Name, attributes: { Name, Arn: context.arn('events', `event-bus/${Name}`) } };
};

export const eventProviders: Readonly<Record<string, Provider>> = {
  'AWS::Events::Rule': rule,
  'AWS::Events::EventBus': eventBus,
};
