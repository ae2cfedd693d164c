/**
 * The grants, by action and resource, as functions need them. One statement builder per right;
 * a wildcard is written only where AWS takes no resource, and is acknowledged where it is used.
 */
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { STATE_INDEXES } from '../data-stack.ts';

export function allow(
  actions: readonly string[],
  resources: readonly string[],
  conditions: Record<string, Record<string, string>> = {},
): PolicyStatement {
  return new PolicyStatement({ actions: [...actions], resources: [...resources], conditions });
}

/** ConditionCheck is an action of its own; a transaction is authorized by the actions in it. */
const ITEM_ACTIONS = [
  'dynamodb:ConditionCheckItem',
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
] as const;

const indexesOf = (state: ITable): string[] =>
  STATE_INDEXES.map((index) => `${state.tableArn}/index/${index}`);

const queryState = (state: ITable) =>
  allow(['dynamodb:Query'], [state.tableArn, ...indexesOf(state)]);

export const readState = (state: ITable): PolicyStatement[] => [
  allow(['dynamodb:GetItem'], [state.tableArn]),
  queryState(state),
];

export const useState = (state: ITable): PolicyStatement[] => [
  allow(ITEM_ACTIONS, [state.tableArn]),
  queryState(state),
];

/** Tenants and keys: put, changed, never deleted. */
export const keepAccounts = (state: ITable): PolicyStatement[] => [
  allow(
    ITEM_ACTIONS.filter((action) => action !== 'dynamodb:DeleteItem'),
    [state.tableArn],
  ),
  queryState(state),
];

export const useLog = (output: ITable): PolicyStatement =>
  allow(['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query'], [output.tableArn]);

export const readSegments = (objectArns: string): PolicyStatement =>
  allow(['s3:GetObject'], [objectArns]);

export const useSegments = (objectArns: string): PolicyStatement =>
  allow(['s3:GetObject', 's3:PutObject'], [objectArns]);

/** Covers InvokeWithResponseStream too, which has no action of its own. */
export const invoke = (...functionArns: string[]): PolicyStatement =>
  allow(['lambda:InvokeFunction'], functionArns);

/** Where an asynchronous event goes that was given up: Lambda sends it with the function's role. */
export const sendFailures = (queueArn: string): PolicyStatement =>
  allow(['sqs:SendMessage'], [queueArn]);
