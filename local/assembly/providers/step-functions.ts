/** State machines, registered with the stand-in under their own role; only standard ones, in JSONata, run here. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { AssemblyError } from '../errors.ts';
import { physicalName } from '../naming.ts';
import { type Provider, type ProviderContext, readProperties } from '../provider.ts';

const stateMachineProperties = z.object({
  StateMachineName: z.string().optional(),
  StateMachineType: z.literal('STANDARD', 'only STANDARD machines run here').default('STANDARD'),
  RoleArn: z.string(),
  DefinitionString: z.string().optional(),
  Definition: z.record(z.string(), z.unknown()).optional(),
  DefinitionS3Location: z.object({ Bucket: z.string(), Key: z.string() }).optional(),
  DefinitionSubstitutions: z.record(z.string(), z.coerce.string()).default({}),
});

async function definitionOf(
  properties: z.output<typeof stateMachineProperties>,
  context: ProviderContext,
): Promise<string> {
  const { DefinitionString, Definition, DefinitionS3Location: location } = properties;
  if (DefinitionString !== undefined) return DefinitionString;
  if (Definition !== undefined) return JSON.stringify(Definition);
  if (location !== undefined)
    return readFile(context.fileAsset(location.Bucket, location.Key), 'utf8');
  const { address } = context;
  throw new AssemblyError(
    `${address.stackName}/${address.logicalId}: a state machine needs a DefinitionString, a Definition or a DefinitionS3Location`,
  );
}

const stateMachine: Provider = async (_logicalId, properties, context) => {
  const read = readProperties(stateMachineProperties, properties, context);
  const name = read.StateMachineName ?? physicalName(context.address, { maxLength: 80 });
  const definition = Object.entries(read.DefinitionSubstitutions).reduce(
    (text, [key, value]) => text.replaceAll(`\${${key}}`, value),
    await definitionOf(read, context),
  );
  const { RoleArn: roleArn } = read;
  const arn = context.services.stepFunctions.createStateMachine({ name, roleArn, definition });
  return { ref: arn, attributes: { Arn: arn, Name: name } };
};

export const stepFunctionsProviders: Readonly<Record<string, Provider>> = {
  'AWS::StepFunctions::StateMachine': stateMachine,
};
