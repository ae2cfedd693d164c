/**
 * What a request to DynamoDB asks for: an action on each table or index that it names. A transaction and a batch
 * ask for the actions of their items, each with the partition key that it touches.
 */
import type { Item, TableIndex } from 'dynalite/db/index.js';
import type { Right } from '../iam/decision.ts';
import { listOf, objectOf, textOf } from '../shared/json-object.ts';
import type { Input } from './writes.ts';

/** Of a table: the names of its key attributes, and its ARN. */
export interface KnownTable {
  readonly arn: string;
  readonly partitionKey: string;
  readonly indexes: readonly TableIndex[];
}

export type FindTable = (name: string) => KnownTable;

const TRANSACTION_ACTIONS: Readonly<Record<string, string>> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  Get: 'GetItem',
  ConditionCheck: 'ConditionCheckItem',
};

const BATCH_ACTIONS: Readonly<Record<string, string>> = {
  PutRequest: 'BatchWriteItem',
  DeleteRequest: 'BatchWriteItem',
};

export function dynamoDbRights(operation: string, input: Input, find: FindTable): Right[] {
  const rights = rightsOf(operation, input, find);
  return rights.length > 0 ? rights : [{ action: `dynamodb:${operation}`, resource: '*' }];
}

function rightsOf(operation: string, input: Input, find: FindTable): Right[] {
  switch (operation) {
    case 'TransactWriteItems':
    case 'TransactGetItems':
      return listOf(input.TransactItems).flatMap((entry) =>
        Object.entries(objectOf(entry)).map(([kind, item]) =>
          itemRight(TRANSACTION_ACTIONS[kind] ?? kind, objectOf(item), find),
        ),
      );
    case 'BatchWriteItem':
      return Object.entries(objectOf(input.RequestItems)).flatMap(([TableName, requests]) =>
        listOf(requests).flatMap((request) =>
          Object.entries(objectOf(request)).map(([kind, item]) =>
            itemRight(BATCH_ACTIONS[kind] ?? kind, { TableName, ...objectOf(item) }, find),
          ),
        ),
      );
    case 'BatchGetItem':
      return Object.entries(objectOf(input.RequestItems)).flatMap(([TableName, request]) =>
        listOf(objectOf(request)['Keys']).map((Key) =>
          itemRight('BatchGetItem', { TableName, Key }, find),
        ),
      );
    case 'ListTables':
      return [];
    default:
      return [itemRight(operation, input, find)];
  }
}

function itemRight(action: string, item: Input, find: FindTable): Right {
  const table = find(textOf(item['TableName']) ?? '');
  const indexName = textOf(item['IndexName']);
  const key = leadingKey(item, table, indexName);
  return {
    action: `dynamodb:${action}`,
    resource: indexName === undefined ? table.arn : `${table.arn}/index/${indexName}`,
    ...(key === undefined ? {} : { context: { 'dynamodb:leadingkeys': [key] } }),
  };
}

/** The value of the partition key: of an item, of a key, or what a query compares it with. */
function leadingKey(
  item: Input,
  { partitionKey, indexes }: KnownTable,
  indexName: string | undefined,
): string | undefined {
  const index = indexes.find(({ IndexName }) => IndexName === indexName);
  const hash = index?.KeySchema.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName;
  const attribute = hash ?? partitionKey;
  const given = (item['Key'] ?? item['Item']) as Item | undefined;
  const value = given?.[attribute] ?? queried(item, attribute);
  const [first] = Object.values(objectOf(value));
  return textOf(first);
}

function queried(query: Input, attribute: string): unknown {
  const condition = textOf(query['KeyConditionExpression']);
  if (condition === undefined) return undefined;
  const names = Object.entries(objectOf(query['ExpressionAttributeNames']))
    .filter(([, name]) => name === attribute)
    .map(([alias]) => alias);
  for (const [, name = '', reference = ''] of condition.matchAll(/(#?[\w.-]+)\s*=\s*(:\w+)/g))
    if (name === attribute || names.includes(name))
      return objectOf(query['ExpressionAttributeValues'])[reference];
  return undefined;
}
