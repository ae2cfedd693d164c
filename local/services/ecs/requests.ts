/** The requests that the ECS stand-in takes, parsed at the border. Fields that it would have to ignore are refused. */
import { z } from 'zod';
import { EcsError } from './errors.ts';

const pair = z.object({ name: z.string(), value: z.string() });
const tag = z.object({ key: z.string().max(128), value: z.string().max(256).default('') });
const strings = z.array(z.string());

const containerOverride = z.strictObject({
  name: z.string(),
  environment: z.array(pair).optional(),
});

const overrides = z.strictObject({
  cpu: z.string().optional(),
  memory: z.string().optional(),
  ephemeralStorage: z.object({ sizeInGiB: z.number().int().min(21).max(200) }).optional(),
  containerOverrides: z.array(containerOverride).default([]),
});

export type TaskOverrides = z.output<typeof overrides>;

const runTask = z.strictObject({
  cluster: z.string().default('default'),
  taskDefinition: z.string(),
  count: z.number().int().min(1).max(10).default(1),
  clientToken: z.string().max(64).optional(),
  startedBy: z.string().max(128).optional(),
  group: z.string().optional(),
  launchType: z.literal('FARGATE', 'only FARGATE is run on this machine').optional(),
  platformVersion: z.string().optional(),
  overrides: overrides.default({ containerOverrides: [] }),
  networkConfiguration: z.object({
    awsvpcConfiguration: z.object({
      subnets: strings.min(1).max(16),
      securityGroups: strings.max(5).default([]),
      assignPublicIp: z.enum(['ENABLED', 'DISABLED']).default('DISABLED'),
    }),
  }),
  tags: z.array(tag).max(50).default([]),
  propagateTags: z.string().optional(),
  enableECSManagedTags: z.boolean().optional(),
  enableExecuteCommand: z.literal(false, 'there is no ECS Exec on this machine').optional(),
});

const stopTask = z.object({
  cluster: z.string().default('default'),
  task: z.string(),
  reason: z.string().max(1024).optional(),
});

const describeTasks = z.object({
  cluster: z.string().default('default'),
  tasks: strings.min(1).max(100),
  include: strings.default([]),
});

const listTasks = z.strictObject({
  cluster: z.string().default('default'),
  family: z.string().optional(),
  startedBy: z.string().optional(),
  desiredStatus: z.enum(['RUNNING', 'PENDING', 'STOPPED']).default('RUNNING'),
  launchType: z.literal('FARGATE').optional(),
  maxResults: z.number().int().min(1).max(100).default(100),
  nextToken: z.string().regex(/^\d+$/).optional(),
});

export const requestSchemas = {
  RunTask: runTask,
  StopTask: stopTask,
  DescribeTasks: describeTasks,
  ListTasks: listTasks,
} as const;

export type RunTaskRequest = z.output<typeof runTask>;
export type StopTaskRequest = z.output<typeof stopTask>;
export type DescribeTasksRequest = z.output<typeof describeTasks>;
export type ListTasksRequest = z.output<typeof listTasks>;

/** RunTask's overrides travel in one field of at most this many characters. */
const overridesLimit = 8192;

export function parseRequest<T>(schema: z.ZodType<T>, body: Buffer | undefined): T {
  let value: unknown;
  try {
    value = JSON.parse(body?.toString() || '{}');
  } catch {
    throw new EcsError('ClientException', 'The request body is not JSON.');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );
    throw new EcsError('InvalidParameterException', problems.join('; '));
  }
  return parsed.data;
}

export function checkOverridesLength(value: TaskOverrides): void {
  const { length } = JSON.stringify(value);
  if (length > overridesLimit)
    throw new EcsError(
      'InvalidParameterException',
      `Overrides are ${length} characters long; at most ${overridesLimit} are allowed.`,
    );
}
