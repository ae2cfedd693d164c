/** AWS's service authorization reference, as far as our policies use it, and what it says of one statement. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface ActionReference {
  readonly conditionKeys: readonly string[];
  /** Without any, the action takes no resource but `*`. */
  readonly resourceTypes: readonly { arn: string; conditionKeys: readonly string[] }[];
}

export interface Reference {
  readonly source: string;
  readonly by: string;
  readonly date: string;
  readonly actions: Record<string, ActionReference>;
}

export interface NamedStatement {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditionKeys: readonly string[];
}

const reference = JSON.parse(
  readFileSync(join(import.meta.dirname, 'extract.json'), 'utf8'),
) as Reference;

/** Where the reference says less than is so, each with who has seen it. */
const BEYOND: Readonly<Record<string, string>> = {
  // "It did NOT work when mapped onto … the Policy Simulator is not correct": tried by the CDK's authors, whose
  // grantTaskResponse grants it so: https://github.com/aws/aws-cdk/pull/8486
  'states:SendTaskSuccess': 'arn:${Partition}:states:${Region}:${Account}:stateMachine:${Name}',
  'states:SendTaskFailure': 'arn:${Partition}:states:${Region}:${Account}:stateMachine:${Name}',
};

/** Of every action that a function's code asks for: https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html */
const EVERYWHERE = ['lambda:SourceFunctionArn'];

/** What is wrong with it, by the reference. */
export function problemsOf(statement: NamedStatement): string[] {
  return statement.actions.flatMap((action) => {
    // `s3:*` in a Deny names no action of its own.
    if (action.endsWith('*')) return [];
    const known = reference.actions[action];
    if (known === undefined) return [`${action} is not in the extract: see reference/extract.ts`];
    return [
      ...resourceProblems(action, known, statement),
      ...keyProblems(action, known, statement),
    ];
  });
}

function resourceProblems(
  action: string,
  { resourceTypes }: ActionReference,
  { resources }: NamedStatement,
): string[] {
  const beyond = BEYOND[action];
  const arns = [...resourceTypes.map(({ arn }) => arn), ...(beyond === undefined ? [] : [beyond])];
  return resources
    .filter((resource) => resource !== '*' && !arns.some((arn) => isOfType(arn, resource)))
    .map((resource) => `${action} takes no resource like ${resource}`);
}

/** These names may hold a slash; others end at it. */
const WITH_SLASHES = /Object|Path|LogGroup/;

/** A wildcard of ours may stand for a variable; that of a log group stands for its streams. */
function isOfType(pattern: string, resource: string): boolean {
  const named = resource.replace(/^(arn:[^*]+:log-group:[^:*]+):\*$/, '$1');
  const streams = `${named}:log-stream:*`;
  const expression = pattern
    .split(/(\$\{[^}]+\})/)
    .map((part) => {
      if (!part.startsWith('${')) return part.replaceAll(/[.*+?^()|[\]\\/-]/g, String.raw`\$&`);
      return WITH_SLASHES.test(part) ? '[^:]*' : '[^:/]*';
    })
    .join('');
  return [resource, named, streams].some((text) => new RegExp(`^${expression}$`).test(text));
}

function keyProblems(
  action: string,
  { conditionKeys, resourceTypes }: ActionReference,
  statement: NamedStatement,
): string[] {
  const known = [...conditionKeys, ...resourceTypes.flatMap((type) => type.conditionKeys)];
  return statement.conditionKeys
    .filter((key) => !key.startsWith('aws:') && ![...known, ...EVERYWHERE].includes(key))
    .map((key) => `${action} knows no condition key ${key}`);
}
