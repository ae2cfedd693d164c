/**
 * Names of Lambda functions and of what belongs to them. The functions themselves are created when the whole
 * model stands (functions.ts).
 */
import { z } from 'zod';
import { physicalName } from '../naming.ts';
import { type Provider, readProperties } from '../provider.ts';

const lambdaFunction: Provider = async (_logicalId, properties, context) => {
  const { FunctionName } = readProperties(
    z.object({ FunctionName: z.string().optional() }),
    properties,
    context,
  );
  const name = FunctionName ?? physicalName(context.address);
  return { ref: name, attributes: { Arn: context.arn('lambda', `function:${name}`) } };
};

/** Kept in the model: the caller reads the settings from there. */
const keptWithFunction: Provider = async (_logicalId, _properties, { address }) => ({
  ref: physicalName(address),
  attributes: {},
});

export const lambdaProviders: Readonly<Record<string, Provider>> = {
  'AWS::Lambda::Function': lambdaFunction,
  'AWS::Lambda::EventInvokeConfig': keptWithFunction,
  'AWS::Lambda::Permission': keptWithFunction,
};
