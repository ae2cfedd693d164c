/** What an operation costs, as dynalite counts it, and which partition key pays. */
import type { Item, Table } from 'dynalite/db/index.js';

interface Consumed {
  readonly ConsumedCapacity?: { readonly CapacityUnits?: number };
}

interface Measured {
  /** Tells of its cost only where that was asked for. */
  readonly answer: object;
  readonly units: number;
}

type Data = Readonly<Record<string, unknown>>;

export function measured(data: Data, action: (data: object) => Promise<object>): Promise<Measured>;
export function measured(data: Data, action: (data: object) => object): Measured;
export function measured(
  data: Data,
  action: (data: object) => object | Promise<object>,
): Measured | Promise<Measured> {
  const asked = data.ReturnConsumedCapacity;
  const isAsked = asked === 'TOTAL' || asked === 'INDEXES';
  const told = action(isAsked ? data : { ...data, ReturnConsumedCapacity: 'TOTAL' });
  const measure = (answer: Consumed): Measured => {
    const { ConsumedCapacity, ...rest } = answer;
    return { answer: isAsked ? answer : rest, units: ConsumedCapacity?.CapacityUnits ?? 0 };
  };
  return told instanceof Promise ? told.then(measure) : measure(told);
}

/** Of an item or a key, in the table or in one of its indexes. */
export function partitionOf(table: Table, item: Item, indexName?: unknown): string {
  const index = table.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === indexName);
  const hash = (index ?? table).KeySchema.find(({ KeyType }) => KeyType === 'HASH');
  const value = item[hash?.AttributeName ?? ''];
  return `${table.TableName}/${index?.IndexName ?? ''}/${JSON.stringify(value)}`;
}
