/**
 * The rows of the output log: partition the execution, sort key the first seq. Written with the
 * plain client, because rows are the hot path and have one access pattern.
 */
import { type DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { Event } from '../../contract/events.ts';
import type { ExecutionId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { OutputRow, OutputStore } from '../../core/output/output-log.ts';
import { conditional } from './transact.ts';

/** What a page of the reader takes at once; a row is at most 256 KB. */
const ROWS_PER_PAGE = 32;
const ROWS_BACK = 4;

const StoredRow = z.object({
  sk: z.number(),
  lastSeq: z.number(),
  /** JSON text: smaller and quicker than a map of attributes. */
  events: z.optional(z.string()),
  segmentKey: z.optional(z.string()),
});
const Events = z.array(Event);

export function dynamoOutputStore(client: DynamoDBDocumentClient, table: string): OutputStore {
  const query = async (
    executionId: ExecutionId,
    condition: string,
    seq: number,
    options: { limit: number; forward: boolean },
  ): Promise<OutputRow[]> => {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: `pk = :pk AND sk ${condition} :seq`,
        ExpressionAttributeValues: { ':pk': executionId, ':seq': seq },
        ScanIndexForward: options.forward,
        Limit: options.limit,
        ConsistentRead: true,
      }),
    );
    return Items.map((item) => toRow(executionId, item));
  };

  return {
    async append(row) {
      await conditional(() => client.send(new PutCommand(putOf(table, row))));
    },
    rowsAfter: (id, after) => query(id, '>', after, { limit: ROWS_PER_PAGE, forward: true }),
    rowsUpTo: (id, seq) => query(id, '<=', seq, { limit: ROWS_BACK, forward: false }),
    async lastRow(id) {
      const [row] = await query(id, '>', 0, { limit: 1, forward: false });
      return row;
    },
  };
}

/**
 * Never replaces a row by a shorter one: what is there reaches at least as far. The row that ends
 * the log is replaced by none.
 */
export function putOf(
  table: string,
  row: OutputRow,
  options: { final: boolean } = { final: false },
) {
  return {
    TableName: table,
    Item: {
      pk: row.executionId,
      sk: row.firstSeq,
      lastSeq: row.lastSeq,
      ...(options.final ? { final: true } : {}),
      // Kept a day after the end, and a process may run as long as its sandbox before it.
      expiresAtSeconds: Math.ceil(
        (Date.now() + LIMITS.logRetentionMs + LIMITS.lifetimeMs.max) / 1000,
      ),
      ...('events' in row
        ? { events: JSON.stringify(row.events) }
        : { segmentKey: row.segmentKey }),
    },
    ConditionExpression:
      'attribute_not_exists(pk) OR (lastSeq < :lastSeq AND attribute_not_exists(#final))',
    ExpressionAttributeNames: { '#final': 'final' },
    ExpressionAttributeValues: { ':lastSeq': row.lastSeq },
  };
}

function toRow(executionId: ExecutionId, item: unknown): OutputRow {
  const { sk: firstSeq, lastSeq, events, segmentKey } = StoredRow.parse(item);
  const span = { executionId, firstSeq, lastSeq };
  if (segmentKey !== undefined) return { ...span, segmentKey };
  return { ...span, events: Events.parse(JSON.parse(events ?? '[]')) };
}
