/** ECS clusters and Fargate task definitions, registered with the stand-in; the image is its asset's folder. */
import { z } from 'zod';
import { AssemblyError } from '../errors.ts';
import { physicalName } from '../naming.ts';
import { type Provider, readProperties } from '../provider.ts';

const containerProperties = z.object({
  Name: z.string(),
  Image: z.string(),
  Essential: z.coerce.boolean().default(true),
  StopTimeout: z.coerce.number().default(30),
  Environment: z.array(z.object({ Name: z.string(), Value: z.coerce.string() })).default([]),
});

const taskDefinitionProperties = z.object({
  Family: z.string().optional(),
  Cpu: z.coerce.string(),
  Memory: z.coerce.string(),
  EphemeralStorage: z.object({ SizeInGiB: z.coerce.number() }).default({ SizeInGiB: 20 }),
  ContainerDefinitions: z.array(containerProperties).min(1),
  RequiresCompatibilities: z.array(z.string()).default([]),
  ExecutionRoleArn: z.string().optional(),
  TaskRoleArn: z.string().optional(),
});

const cluster: Provider = async (_logicalId, properties, context) => {
  const { ClusterName } = readProperties(
    z.object({ ClusterName: z.string().optional() }),
    properties,
    context,
  );
  const name = ClusterName ?? physicalName(context.address, { maxLength: 255 });
  context.services.ecs.createCluster(name);
  return { ref: name, attributes: { Arn: context.arn('ecs', `cluster/${name}`) } };
};

const taskDefinition: Provider = async (logicalId, properties, context) => {
  const read = readProperties(taskDefinitionProperties, properties, context);
  if (!read.RequiresCompatibilities.includes('FARGATE'))
    throw new AssemblyError(`${logicalId}: only FARGATE task definitions run on this machine`);
  const family = read.Family ?? physicalName(context.address, { maxLength: 255 });
  context.services.ecs.registerTaskDefinition({
    family,
    cpu: read.Cpu,
    memory: read.Memory,
    ephemeralStorageGib: read.EphemeralStorage.SizeInGiB,
    roleArns: [read.ExecutionRoleArn, read.TaskRoleArn].filter((arn) => arn !== undefined),
    containers: read.ContainerDefinitions.map((container) => ({
      name: container.Name,
      image: container.Image,
      imageDirectory: context.imageAsset(container.Image),
      essential: container.Essential,
      stopTimeoutSeconds: container.StopTimeout,
      environment: Object.fromEntries(
        container.Environment.map(({ Name, Value }) => [Name, Value] as const),
      ),
    })),
  });
  const arn = context.arn('ecs', `task-definition/${family}:1`);
  return { ref: arn, attributes: { TaskDefinitionArn: arn } };
};

export const ecsProviders: Readonly<Record<string, Provider>> = {
  'AWS::ECS::Cluster': cluster,
  'AWS::ECS::TaskDefinition': taskDefinition,
};
