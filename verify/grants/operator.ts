/**
 * What an operator with rights to the account does for the trials: ages records so that a minute's work is due now,
 * stops tasks, deletes objects, sends events. It knows how records lie in the table.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECSClient, ListTasksCommand, StopTaskCommand } from '@aws-sdk/client-ecs';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Grant } from './control.ts';
import type { World } from './scenario.ts';

const LONG_AGO = '2020-01-01T00:00:00.000Z';
const CLUSTER = 'code-interpreter';

/** The names are read from the grants: they are of this deployment. */
const nameIn = (grants: readonly Grant[], pattern: RegExp): string => {
  for (const { resource } of grants) {
    const name = pattern.exec(resource)?.[1];
    if (name !== undefined) return name;
  }
  throw new Error(`no grant names a resource like ${pattern}`);
};

export type OperatorWork = Pick<
  World,
  | 'ageSandbox'
  | 'ageOutbox'
  | 'outboxSize'
  | 'subscribersOf'
  | 'tasks'
  | 'stopTasks'
  | 'deleteSegments'
  | 'sendEvent'
>;

export async function operatorOf(
  control: World['control'],
  functionNamed: World['functionNamed'],
): Promise<OperatorWork> {
  const { endpoint, region, accessKeyId, secretAccessKey } = await control.operator();
  const settings = { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
  const grants = await control.grants();
  const fleet = new ECSClient(settings);
  const lambda = new LambdaClient(settings);
  const tasks = async (): Promise<readonly string[]> =>
    (await fleet.send(new ListTasksCommand({ cluster: CLUSTER }))).taskArns ?? [];
  return {
    ...recordsOf(
      DynamoDBDocumentClient.from(new DynamoDBClient(settings)),
      nameIn(grants, /:table\/([^/]*State[^/]*)$/),
    ),
    ...segmentsOf(
      new S3Client({ ...settings, forcePathStyle: true }),
      nameIn(grants, /^arn:aws:s3:::([^/]*segments[^/]*)$/),
    ),
    tasks,
    async stopTasks() {
      for (const task of await tasks())
        await fleet.send(new StopTaskCommand({ cluster: CLUSTER, task }));
    },
    async sendEvent(name, payload) {
      await lambda.send(
        new InvokeCommand({
          FunctionName: functionNamed(name),
          InvocationType: 'Event',
          Payload: JSON.stringify(payload),
        }),
      );
    },
  };
}

function recordsOf(
  tables: DynamoDBDocumentClient,
  TableName: string,
): Pick<OperatorWork, 'ageSandbox' | 'ageOutbox' | 'outboxSize' | 'subscribersOf'> {
  const rowsOf = async (entity: string): Promise<Record<string, unknown>[]> => {
    const { Items = [] } = await tables.send(
      new ScanCommand({
        TableName,
        FilterExpression: '#e = :e',
        ExpressionAttributeNames: { '#e': '__edb_e__' },
        ExpressionAttributeValues: { ':e': entity },
      }),
    );
    return Items;
  };
  const age = async (row: Record<string, unknown>, attribute: string): Promise<void> => {
    const { pk, sk, gsi2sk, [attribute]: was } = row;
    await tables.send(
      new UpdateCommand({
        TableName,
        Key: { pk, sk },
        UpdateExpression: 'SET #a = :a, gsi2sk = :k',
        ExpressionAttributeNames: { '#a': attribute },
        ExpressionAttributeValues: {
          ':a': LONG_AGO,
          ':k': String(gsi2sk).replace(String(was), LONG_AGO),
        },
      }),
    );
  };
  return {
    async ageSandbox(id) {
      for (const row of await rowsOf('sandbox')) if (row['id'] === id) await age(row, 'overdueAt');
    },
    async ageOutbox() {
      for (const row of await rowsOf('outbox')) await age(row, 'at');
    },
    outboxSize: async () => (await rowsOf('outbox')).length,
    subscribersOf: async (sandboxId) =>
      (await rowsOf('subscription')).filter((row) => row['sandboxId'] === sandboxId).length,
  };
}

const segmentsOf = (objects: S3Client, Bucket: string): Pick<OperatorWork, 'deleteSegments'> => ({
  async deleteSegments() {
    const { Contents = [] } = await objects.send(new ListObjectsV2Command({ Bucket }));
    for (const { Key } of Contents) await objects.send(new DeleteObjectCommand({ Bucket, Key }));
  },
});
