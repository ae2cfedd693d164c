/**
 * One transaction over items of any entity and table. A conflict with another transaction, or a
 * partition that has had its share, is tried again; a failed condition is an answer, not an error.
 */
import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';

export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** Reasons that are over soon; of a cancelled transaction the SDK itself tries nothing again. */
const PASSING = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);
const TRIES = 8;
const MAX_PAUSE_MS = 200;

/** True when it was written; false when a condition of it failed. */
export async function transact(
  client: DynamoDBDocumentClient,
  items: TransactItem[],
): Promise<boolean> {
  return (await transactTelling(client, items)).length === 0;
}

/** Indexes of the items whose conditions failed, so that nothing was written; none when it was. */
export async function transactTelling(
  client: DynamoDBDocumentClient,
  items: TransactItem[],
): Promise<number[]> {
  for (let tries = 1; ; tries++) {
    try {
      await client.send(new TransactWriteCommand({ TransactItems: items }));
      return [];
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const codes = (error.CancellationReasons ?? []).map((reason) => reason.Code);
      const failed = codes.flatMap((code, at) => (code === 'ConditionalCheckFailed' ? [at] : []));
      if (failed.length > 0) return failed;
      if (!codes.some((code) => PASSING.has(code ?? '')) || tries === TRIES) throw error;
      await pause(tries);
    }
  }
}

/** An id as the plain text that a condition compares. */
export const plain = (id: string): string => id;

/** The write's answer, or undefined when its condition failed. One that met a transaction is repeated. */
export async function conditional<T>(write: () => Promise<T>): Promise<T | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await write();
    } catch (error) {
      if (isCausedBy(error, ConditionalCheckFailedException)) return undefined;
      if (!isCausedBy(error, TransactionConflictException) || tries === TRIES) throw error;
      await pause(tries);
    }
  }
}

/** ElectroDB wraps the SDK's error as its cause. */
function isCausedBy(error: unknown, type: abstract new (...args: never[]) => Error): boolean {
  if (error instanceof type) return true;
  return error instanceof Error && error.cause !== undefined && isCausedBy(error.cause, type);
}

const pause = (tries: number) =>
  new Promise((resolve) =>
    setTimeout(resolve, Math.random() * Math.min(MAX_PAUSE_MS, 5 * 2 ** tries)),
  );
