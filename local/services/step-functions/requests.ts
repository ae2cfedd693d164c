/** The requests that the Step Functions stand-in takes, parsed at the border. */
import { z } from 'zod';
import { StepFunctionsError } from './errors.ts';

const arn = z.string().min(1).max(256);
const token = z.string().min(1).max(2048);
const paging = {
  maxResults: z.number().int().min(0).max(1000).default(0),
  nextToken: z.string().regex(/^\d+$/).optional(),
};

export const requests = {
  StartExecution: z.strictObject({
    stateMachineArn: arn,
    name: z.string().min(1).max(80).optional(),
    input: z.string().default('{}'),
    traceHeader: z.string().optional(),
  }),
  DescribeExecution: z.object({ executionArn: arn }),
  StopExecution: z.object({
    executionArn: arn,
    error: z.string().max(256).optional(),
    cause: z.string().max(32_768).optional(),
  }),
  ListExecutions: z.object({
    stateMachineArn: arn,
    statusFilter: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']).optional(),
    ...paging,
  }),
  GetExecutionHistory: z.object({
    executionArn: arn,
    reverseOrder: z.boolean().default(false),
    includeExecutionData: z.boolean().default(true),
    ...paging,
  }),
  DescribeStateMachine: z.object({ stateMachineArn: arn }),
  SendTaskSuccess: z.object({ taskToken: token, output: z.string() }),
  SendTaskFailure: z.object({
    taskToken: token,
    error: z.string().max(256).optional(),
    cause: z.string().max(32_768).optional(),
  }),
  SendTaskHeartbeat: z.object({ taskToken: token }),
} as const;

/** An operation: its request is parsed, then answered. */
export function serve<T>(
  schema: z.ZodType<T>,
  answer: (request: T) => object,
): (body: Buffer | undefined) => object {
  return (body) => answer(parse(schema, body));
}

function parse<T>(schema: z.ZodType<T>, body: Buffer | undefined): T {
  let value: unknown;
  try {
    value = JSON.parse(body?.toString() || '{}');
  } catch {
    throw new StepFunctionsError('ValidationException', 'The request body is not JSON.');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new StepFunctionsError('ValidationException', problems.join('; '));
}

/** What no name may hold: white space, brackets, wildcards, special and control characters. */
// oxlint-disable-next-line no-control-regex -- control characters are among what is refused
const forbidden = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]/;

export function checkName(name: string | undefined): void {
  if (name !== undefined && forbidden.test(name))
    throw new StepFunctionsError('InvalidName', `Invalid Name: '${name}'`);
}
