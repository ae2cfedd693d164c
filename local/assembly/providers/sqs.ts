/** Queues, stood up with the stand-in; their messages are seen at the control port. */
import { z } from 'zod';
import { physicalName } from '../naming.ts';
import { type Provider, readProperties } from '../provider.ts';

const queue: Provider = async (_logicalId, properties, context) => {
  const schema = z.object({ QueueName: z.string().optional() });
  const { QueueName } = readProperties(schema, properties, context);
  const name = QueueName ?? physicalName(context.address, { maxLength: 80 });
  const arn = context.arn('sqs', name);
  context.services.queues.create(name, arn);
  return {
    ref: `https://sqs.${context.region}.amazonaws.com/${context.accountId}/${name}`,
    attributes: { Arn: arn, QueueName: name },
  };
};

export const sqsProviders: Readonly<Record<string, Provider>> = { 'AWS::SQS::Queue': queue };
