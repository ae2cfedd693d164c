/**
 * The grants, by action and resource, as functions need them. One statement builder per right;
 * a wildcard is written only where AWS takes no resource, and is acknowledged where it is used.
 */
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { STATE_INDEXES } from '../data-stack.ts';

export function allow(
  actions: readonly string[],
  resources: readonly string[],
  conditions: Record<string, Record<string, string>> = {},
): PolicyStatement {
  return new PolicyStatement({ actions: [...actions], resources: [...resources], conditions });
}

const WRITES = ['DeleteItem', 'PutItem', 'UpdateItem'] as const;
type ItemAction = 'GetItem' | (typeof WRITES)[number];
const itemActions = (actions: readonly ItemAction[]) =>
  actions.map((action) => `dynamodb:${action}`);

const ANY_ID = '?'.repeat(20);
/**
 * Partitions of secrets, keys, tenants and tickets: whoever writes there is any tenant. Lengths are exact, since other
 * partitions begin alike: `$ci#id_` with a connection's id, `$ci#tenantId_` with the rest of an idempotency key.
 */
const WHO_IS_WHO = [
  '$ci#sha256_*',
  `$ci#tenantId_tn${ANY_ID}`,
  `$ci#id_tn${ANY_ID}`,
  '$ci#ticket_*',
];

export const readItems = (state: ITable): PolicyStatement =>
  allow(itemActions(['GetItem']), [state.tableArn]);

/**
 * What a function does to the items of the state table, but for who is who. A transaction is authorized by the actions
 * in it.
 */
export const useItems = (state: ITable, ...actions: ItemAction[]): PolicyStatement[] => [
  allow(itemActions(actions), [state.tableArn]),
  new PolicyStatement({
    effect: Effect.DENY,
    actions: itemActions(WRITES),
    resources: [state.tableArn],
    conditions: { 'ForAnyValue:StringLike': { 'dynamodb:LeadingKeys': WHO_IS_WHO } },
  }),
];

/** As {@link useItems}, and who is who: for the function that makes tenants, keys and tickets, and no other. */
export const useAccounts = (state: ITable, ...actions: ItemAction[]): PolicyStatement =>
  allow(itemActions(actions), [state.tableArn]);

/** Where a function queries: the partitions of the table itself, or those of an index. */
export const queryState = (
  state: ITable,
  ...places: ('table' | (typeof STATE_INDEXES)[number])[]
): PolicyStatement =>
  allow(
    ['dynamodb:Query'],
    places.map((place) =>
      place === 'table' ? state.tableArn : `${state.tableArn}/index/${place}`,
    ),
  );

/** The partition of tickets begins like this, and nothing else does. */
export const takeTickets = (state: ITable): PolicyStatement =>
  allow(['dynamodb:DeleteItem'], [state.tableArn], {
    'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': '$ci#ticket_*' },
  });

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

/** To presign reads and writes. */
export const presignTransfers = (bucketArn: string): PolicyStatement =>
  allow(['s3:GetObject', 's3:PutObject'], [`${bucketArn}/*`]);

/** To see whether an object is there: without it S3 answers AccessDenied for one that is not. */
export const seeTransfers = (bucketArn: string): PolicyStatement =>
  allow(['s3:ListBucket'], [bucketArn]);

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
  allow(['states:SendTaskSuccess'], [machineArn]);

/** Of a launch that came to nothing, which only the step itself tells. */
export const failSteps = (machineArn: string): PolicyStatement =>
  allow(['states:SendTaskFailure'], [machineArn]);

export const startLives = (machineArn: string): PolicyStatement =>
  allow(['states:StartExecution'], [machineArn]);

export const putEvents = (busArn: string): PolicyStatement => allow(['events:PutEvents'], [busArn]);
