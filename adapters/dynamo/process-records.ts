/** The records of processes among those of executions: what is theirs alone. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { LIMITS } from '../../contract/limits.ts';
import type { ExecutionStore } from '../../core/execution/execution-store.ts';
import type { StateService } from './entities.ts';
import { conditional, type TransactItem, transactTelling } from './transact.ts';

type Running = Parameters<ExecutionStore['startProcess']>[0];

/** A plain number: a condition compares with any. */
const MOST_UNREAD: number = LIMITS.unreadPerSandbox;
/** Which item of the transaction that keeps a process. */
const MARK = 1;

export function processRecords(
  client: DynamoDBDocumentClient,
  state: StateService,
  toRow: (record: Running) => object,
): Pick<ExecutionStore, 'startProcess' | 'noteReader'> {
  const { sandbox, execution } = state.entities;
  return {
    async startProcess(record) {
      const failed = await transactTelling(client, [
        { Put: execution.create(toRow(record) as never).params() },
        {
          Update: sandbox
            .patch({ id: record.sandboxId })
            .add({ unread: 1 })
            .where(
              ({ status, unread }, { eq, lt, notExists }) =>
                `${eq(status, 'running')} AND (${notExists(unread)} OR ${lt(unread, MOST_UNREAD)})`,
            )
            .params(),
        },
      ] as TransactItem[]);
      return !failed.includes(MARK);
    },

    async noteReader(id, until) {
      await conditional(() =>
        execution
          .patch({ id })
          .set({ readUntil: until })
          .where(({ status }, { eq }) => eq(status, 'running'))
          .go(),
      );
    },
  };
}
