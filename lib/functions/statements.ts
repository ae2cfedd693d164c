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

/** A transaction is authorized by the actions in it. */
const ITEM_ACTIONS = [
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

/** The partition of tickets begins like this, and nothing else does. */
export const takeTickets = (state: ITable): PolicyStatement =>
  allow(['dynamodb:DeleteItem'], [state.tableArn], {
    'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': '$ci#ticket_*' },
  });

/** What is put and changed, never deleted. */
export const keepState = (state: ITable): PolicyStatement[] => [
  allow(
    ITEM_ACTIONS.filter((action) => action !== 'dynamodb:DeleteItem'),
    [state.tableArn],
  ),
  queryState(state),
];

export const useLog = (output: ITable): PolicyStatement =>
  allow(['dynamodb:PutItem', 'dynamodb:Query'], [output.tableArn]);

export const readLog = (output: ITable): PolicyStatement =>
  allow(['dynamodb:Query'], [output.tableArn]);

export const readSegments = (bucketArn: string): PolicyStatement[] => [
  allow(['s3:GetObject'], [`${bucketArn}/*`]),
  allow(['s3:ListBucket'], [bucketArn]),
];

/** Without the right to list, S3 answers AccessDenied for a segment that has expired, not NoSuchKey. */
export const useSegments = (bucketArn: string): PolicyStatement[] => [
  allow(['s3:GetObject', 's3:PutObject'], [`${bucketArn}/*`]),
  allow(['s3:ListBucket'], [bucketArn]),
];

/** To presign reads and writes, and to see whether an object is there. */
export const useTransfers = (bucketArn: string): PolicyStatement[] => [
  allow(['s3:GetObject', 's3:PutObject'], [`${bucketArn}/*`]),
  allow(['s3:ListBucket'], [bucketArn]),
];

/** Covers InvokeWithResponseStream too, which has no action of its own. */
export const invoke = (...functionArns: string[]): PolicyStatement =>
  allow(['lambda:InvokeFunction'], functionArns);

/** Messages to the clients of the WebSocket API. */
export const postTo = (connectionsArn: string): PolicyStatement =>
  allow(['execute-api:ManageConnections'], [connectionsArn]);

/** Where an asynchronous event goes that was given up: Lambda sends it with the function's role. */
export const sendFailures = (queueArn: string): PolicyStatement =>
  allow(['sqs:SendMessage'], [queueArn]);

/** A step that waits is told by whoever holds its token: the right is the machine's. */
export const tellSteps = (machineArn: string): PolicyStatement =>
  allow(['states:SendTaskFailure', 'states:SendTaskSuccess'], [machineArn]);

export const startLives = (machineArn: string): PolicyStatement =>
  allow(['states:StartExecution'], [machineArn]);

export const putEvents = (busArn: string): PolicyStatement => allow(['events:PutEvents'], [busArn]);
