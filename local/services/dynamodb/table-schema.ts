/**
 * Reads a table's declaration (`AWS::DynamoDB::Table`, `AWS::DynamoDB::GlobalTable` or the input of CreateTable) and
 * describes the table as DescribeTable does. What does not bear on data (backups, replicas, encryption) is left aside.
 */
import { randomUUID } from 'node:crypto';
import type { Table, TableIndex } from 'dynalite/db/index.js';
import { z } from 'zod';
import { check } from './actions.ts';

const KeySchema = z
  .array(z.object({ AttributeName: z.string(), KeyType: z.enum(['HASH', 'RANGE']) }))
  .min(1)
  .max(2);

const TableDeclaration = z.object({
  TableName: z.string().regex(/^[a-zA-Z0-9_.-]{3,255}$/, '3 to 255 of a-z A-Z 0-9 _ . -'),
  KeySchema,
  AttributeDefinitions: z.array(
    z.object({ AttributeName: z.string(), AttributeType: z.enum(['S', 'N', 'B']) }),
  ),
  GlobalSecondaryIndexes: z
    .array(
      z.object({
        IndexName: z.string(),
        KeySchema,
        Projection: z.object({
          ProjectionType: z.enum(['ALL', 'INCLUDE', 'KEYS_ONLY']),
          NonKeyAttributes: z.array(z.string()).optional(),
        }),
      }),
    )
    .optional(),
  LocalSecondaryIndexes: z.undefined({ error: 'local indexes are not served here' }).optional(),
  TimeToLiveSpecification: z
    .object({ AttributeName: z.string().optional(), Enabled: z.boolean() })
    .optional(),
});

export interface Declaration {
  readonly table: Table;
  /** `undefined`: not said; `null`: switched off. */
  readonly timeToLive: string | null | undefined;
}

export interface Place {
  readonly region: string;
  readonly accountId: string;
}

export function readDeclaration(input: unknown, place: Place): Declaration {
  const parsed = TableDeclaration.safeParse(input);
  if (!parsed.success) {
    throw new Error(`The declaration of a table is not valid: ${z.prettifyError(parsed.error)}`);
  }
  const { TimeToLiveSpecification: ttl, ...declared } = parsed.data;
  const schema = { ...declared, BillingMode: 'PAY_PER_REQUEST' };
  check('CreateTable', schema, { maxItemSize: 0 });
  if (ttl?.Enabled && !ttl.AttributeName) {
    throw new Error(`Table ${declared.TableName}: TimeToLiveSpecification names no AttributeName`);
  }
  return {
    table: describe(declared as Table, place),
    timeToLive: ttl && (ttl.Enabled ? ttl.AttributeName : null),
  };
}

/** Everything that decides where a table's items lie: its keys and their types. */
export function keyShape(table: Table): string {
  return shape(table, table.KeySchema);
}

export function indexShape(table: Table, index: TableIndex): string {
  return `${shape(table, index.KeySchema)} ${JSON.stringify(index.Projection)}`;
}

function shape(table: Table, keys: Table['KeySchema']): string {
  const typeOf = (name: string) =>
    table.AttributeDefinitions.find((known) => known.AttributeName === name)?.AttributeType;
  return keys
    .map((key) => `${key.AttributeName} (${typeOf(key.AttributeName)}, ${key.KeyType})`)
    .join(', ');
}

function describe(declared: Table, place: Place): Table {
  const arn = `arn:aws:dynamodb:${place.region}:${place.accountId}:table/${declared.TableName}`;
  const onDemand = { NumberOfDecreasesToday: 0, ReadCapacityUnits: 0, WriteCapacityUnits: 0 };
  const described = {
    ...declared,
    ...(declared.GlobalSecondaryIndexes && {
      GlobalSecondaryIndexes: declared.GlobalSecondaryIndexes.map((index) => ({
        ...index,
        IndexArn: `${arn}/index/${index.IndexName}`,
        IndexStatus: 'ACTIVE',
        ProvisionedThroughput: onDemand,
      })),
    }),
    TableArn: arn,
    TableId: randomUUID(),
    TableStatus: 'ACTIVE',
    CreationDateTime: Math.floor(Date.now() / 1000),
    BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    ProvisionedThroughput: onDemand,
  };
  return described;
}
