/** The services that an assembly is deployed to, as a list of what they were asked for. */
import type { AwsServices } from '../../local/assembly/services.ts';
import type { TaskDefinition } from '../../local/services/ecs/types.ts';
import type { FunctionDefinition } from '../../local/services/lambda/types.ts';

export interface RecordedServices extends AwsServices {
  readonly tables: Readonly<Record<string, unknown>>[];
  readonly buckets: string[];
  readonly functions: FunctionDefinition[];
  readonly clusters: string[];
  readonly taskDefinitions: TaskDefinition[];
  readonly queueArns: string[];
  readonly stateMachines: { name: string; roleArn: string; definition: string }[];
}

export function recordedServices(): RecordedServices {
  const tables: Readonly<Record<string, unknown>>[] = [];
  const buckets: string[] = [];
  const functions: FunctionDefinition[] = [];
  const clusters: string[] = [];
  const taskDefinitions: TaskDefinition[] = [];
  const queueArns: string[] = [];
  const stateMachines: RecordedServices['stateMachines'] = [];
  return {
    awsEndpoint: 'http://127.0.0.1:4566',
    tables,
    buckets,
    functions,
    clusters,
    taskDefinitions,
    queueArns,
    stateMachines,
    queues: { create: (_name, arn) => void queueArns.push(arn) },
    dynamodb: { createTable: async (properties) => tables.push(properties) },
    s3: { createBucket: async (name) => buckets.push(name) },
    lambda: { createFunction: (definition) => void functions.push(definition) },
    ecs: {
      createCluster: (name) => void clusters.push(name),
      registerTaskDefinition: (definition) => void taskDefinitions.push(definition),
    },
    stepFunctions: {
      createStateMachine: (machine) => {
        stateMachines.push(machine);
        return `arn:of:${machine.name}`;
      },
    },
    issueCredentials: (name) => ({ accessKeyId: `key-of-${name}`, secretAccessKey: 'secret' }),
  };
}
