/**
 * Fixed names of the functions. Functions that call each other are named, never referred to: the
 * natural references would be circular, and CloudFormation refuses those.
 */
import { ArnFormat, type Stack } from 'aws-cdk-lib';

export const FUNCTION_NAMES = [
  'authorizer',
  'account',
  'sandboxes',
  'executions',
  'files',
  'transfer',
  'relay',
  'socket',
  'agent-gateway',
  'agent-gateway-open',
  'lifecycle',
  'pool',
  'task-events',
] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];

export const deployedName = (stackName: string, name: FunctionName): string =>
  `${stackName}-${name}`;

export const functionArn = (stack: Stack, stackName: string, name: FunctionName): string =>
  stack.formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: deployedName(stackName, name),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
