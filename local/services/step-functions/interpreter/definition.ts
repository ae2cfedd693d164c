/**
 * Reads a state machine's definition: Amazon States Language in JSONata, as far as this machine runs it. Whatever it
 * would have to ignore is refused here, with the state and the field, so that no execution fails for it later.
 */
import { z } from 'zod';
import { checkExpressions } from './expressions.ts';

export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
}

const stateTypes = ['Task', 'Pass', 'Choice', 'Wait', 'Succeed', 'Fail'] as const;

const json = z.json();
const stateName = z.string().min(1).max(80);
const expression = z
  .string()
  .regex(/^\{%[\s\S]*%\}$/, 'must be a number or a JSONata expression {% … %}');
const seconds = z.union([z.number().int().min(1).max(99_999_999), expression]);
const assign = z.record(
  z
    .string()
    .regex(/^(?!states$)[\p{ID_Start}_][\p{ID_Continue}]{0,79}$/u, 'is no name for a variable'),
  json,
);
const errorEquals = z.array(z.string().min(1)).min(1);

const common = { Comment: z.string().optional(), QueryLanguage: z.literal('JSONata').optional() };
const results = { Output: json.optional(), Assign: assign.optional() };
const onwards = { Next: stateName.optional(), End: z.literal(true).optional() };

const retrier = z.strictObject({
  ErrorEquals: errorEquals,
  IntervalSeconds: z.number().int().min(1).max(31_622_400).default(1),
  MaxAttempts: z.number().int().min(0).max(99_999_999).default(3),
  BackoffRate: z.number().min(1).default(2),
  MaxDelaySeconds: z.number().int().min(1).max(31_622_400).optional(),
  JitterStrategy: z.enum(['NONE', 'FULL']).default('NONE'),
  Comment: z.string().optional(),
});

const catcher = z.strictObject({
  ErrorEquals: errorEquals,
  Next: stateName,
  Comment: z.string().optional(),
  ...results,
});

const task = z.strictObject({
  Type: z.literal('Task'),
  Resource: z
    .string()
    .regex(
      /^arn:[\w-]+:states:::lambda:invoke(\.waitForTaskToken)?$/,
      'this machine runs lambda:invoke and lambda:invoke.waitForTaskToken only',
    ),
  Arguments: z.strictObject({ FunctionName: z.string().min(1), Payload: json.optional() }),
  TimeoutSeconds: seconds.optional(),
  HeartbeatSeconds: seconds.optional(),
  Retry: z.array(retrier).default([]),
  Catch: z.array(catcher).default([]),
  ...common,
  ...results,
  ...onwards,
});

const choice = z.strictObject({
  Type: z.literal('Choice'),
  Choices: z
    .array(
      z.strictObject({
        Condition: z.union([z.boolean(), expression]),
        Next: stateName,
        Comment: z.string().optional(),
        ...results,
      }),
    )
    .min(1),
  Default: stateName.optional(),
  ...common,
  ...results,
});

const wait = z
  .strictObject({
    Type: z.literal('Wait'),
    Seconds: z.union([z.number().int().min(0).max(99_999_999), expression]).optional(),
    Timestamp: z.string().optional(),
    ...common,
    ...results,
    ...onwards,
  })
  .refine(({ Seconds, Timestamp }) => (Seconds === undefined) !== (Timestamp === undefined), {
    error: 'must have exactly one of Seconds and Timestamp',
  });

const state = z.discriminatedUnion('Type', [
  task,
  choice,
  wait,
  z.strictObject({ Type: z.literal('Pass'), ...common, ...results, ...onwards }),
  z.strictObject({ Type: z.literal('Succeed'), ...common, Output: json.optional() }),
  z.strictObject({
    Type: z.literal('Fail'),
    Error: z.string().optional(),
    Cause: z.string().optional(),
    ...common,
  }),
]);

const definition = z.strictObject({
  Comment: z.string().optional(),
  Version: z.literal('1.0').optional(),
  QueryLanguage: z.literal('JSONata').optional(),
  StartAt: stateName,
  TimeoutSeconds: z.number().int().min(1).max(99_999_999).optional(),
  States: z.record(stateName, state),
});

export type Definition = z.output<typeof definition>;
export type State = z.output<typeof state>;
export type TaskState = z.output<typeof task>;
export type ChoiceState = z.output<typeof choice>;
export type WaitState = z.output<typeof wait>;
export type Retrier = z.output<typeof retrier>;

/** Only what must be known to refuse well what the strict schema would refuse badly. */
const outline = z.looseObject({
  QueryLanguage: z.string().default('JSONPath'),
  States: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), QueryLanguage: z.string().optional() }),
  ),
});

/** Throws a `DefinitionError` that says what is wrong and where. */
export function parseDefinition(text: string): Definition {
  const value = parseJson(text);
  const { QueryLanguage, States } = checked(outline, value);
  for (const [name, { Type, ...own }] of Object.entries(States)) {
    if ((own.QueryLanguage ?? QueryLanguage) !== 'JSONata')
      throw new DefinitionError(
        `The state "${name}" is in JSONPath; this machine runs JSONata only: set "QueryLanguage": "JSONata" in the definition`,
      );
    if (!(stateTypes as readonly string[]).includes(Type))
      throw new DefinitionError(
        `The state "${name}" is a ${Type}; this machine runs ${stateTypes.join(', ')}`,
      );
  }
  const read = checked(definition, value);
  checkTransitions(read);
  for (const [name, content] of Object.entries(read.States)) {
    const problem = checkExpressions(content);
    if (problem !== undefined) throw new DefinitionError(`The state "${name}": ${problem}`);
  }
  return read;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new DefinitionError(`The definition is not JSON: ${String(error)}`);
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new DefinitionError(`The definition is not valid: ${problems.join('; ')}`);
}

function checkTransitions({ StartAt, States }: Definition): void {
  const known = (from: string, name: string): void => {
    if (!Object.hasOwn(States, name))
      throw new DefinitionError(`${from} names the state "${name}", which does not exist`);
  };
  known('StartAt', StartAt);
  for (const [name, content] of Object.entries(States)) {
    for (const next of successorsOf(name, content)) known(`The state "${name}"`, next);
    if (content.Type === 'Task') checkTimes(name, content);
  }
}

function successorsOf(name: string, content: State): string[] {
  switch (content.Type) {
    case 'Succeed':
    case 'Fail':
      return [];
    case 'Choice':
      return [
        ...content.Choices.map(({ Next }) => Next),
        ...(content.Default === undefined ? [] : [content.Default]),
      ];
    case 'Task':
    case 'Pass':
    case 'Wait': {
      if ((content.Next === undefined) === (content.End === undefined))
        throw new DefinitionError(`The state "${name}" must have exactly one of Next and End`);
      const caught = content.Type === 'Task' ? content.Catch.map(({ Next }) => Next) : [];
      return content.Next === undefined ? caught : [content.Next, ...caught];
    }
  }
}

function checkTimes(name: string, { TimeoutSeconds, HeartbeatSeconds }: TaskState): void {
  if (typeof TimeoutSeconds !== 'number' || typeof HeartbeatSeconds !== 'number') return;
  if (HeartbeatSeconds >= TimeoutSeconds)
    throw new DefinitionError(
      `The state "${name}": HeartbeatSeconds (${HeartbeatSeconds}) must be less than TimeoutSeconds (${TimeoutSeconds})`,
    );
}
