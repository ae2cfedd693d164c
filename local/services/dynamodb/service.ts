/**
 * DynamoDB for one machine: dynalite's expressions and validation over a LevelDB of ours, with transactions,
 * time to live and tables that survive a restart. It knows AWS's API only, never which items the product keeps.
 */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { crc32 } from 'node:zlib';
import type { Table } from 'dynalite/db/index.js';
import type { AwsRequest, AwsService, UncheckedRequest } from '../service.ts';
import { parseObject } from '../shared/json-object.ts';
import { KeyLocks } from '../shared/key-locks.ts';
import type { DynamoDbBehaviour } from './behaviour.ts';
import { Conflicts } from './conflicts.ts';
import { ConsumedUnits } from './consumed-units.ts';
import { isDynamoDbError, protocolError } from './errors.ts';
import { Partitions } from './partitions.ts';
import { getItem, readMany } from './reads.ts';
import { dynamoDbRights } from './rights.ts';
import { Storage } from './storage.ts';
import { type Place, readDeclaration } from './table-schema.ts';
import { standUpTable } from './tables.ts';
import { describeTimeToLive, sweepExpired, updateTimeToLive } from './time-to-live.ts';
import { sweepTokens, transactGetItems, transactWriteItems } from './transactions.ts';
import { batchWriteItem, type Input, type Tables, writeItem } from './writes.ts';

export interface DynamoDbOptions extends Partial<Place> {
  /** Folder of the LevelDB; without one the tables live in memory. */
  readonly path?: string | undefined;
  /** What it does beside answering; by default nothing. */
  readonly behaviour?: DynamoDbBehaviour | undefined;
  /** @default 30 000 */
  readonly ttlSweepMs?: number | undefined;
  /** Told of what is a fault of the stand-in, not of a caller. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
}

type Operation = (tables: Tables, input: Input, now: number) => object | Promise<object>;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  GetItem: getItem,
  BatchGetItem: (tables, input) => readMany(tables, 'BatchGetItem', input),
  Query: (tables, input) => readMany(tables, 'Query', input),
  Scan: (tables, input) => readMany(tables, 'Scan', input),
  PutItem: (tables, input) => writeItem(tables, 'PutItem', input),
  UpdateItem: (tables, input) => writeItem(tables, 'UpdateItem', input),
  DeleteItem: (tables, input) => writeItem(tables, 'DeleteItem', input),
  BatchWriteItem: batchWriteItem,
  TransactWriteItems: transactWriteItems,
  TransactGetItems: transactGetItems,
  DescribeTable: ({ storage }, input) => ({ Table: storage.record(input.TableName).table }),
  ListTables: ({ storage }) => ({ TableNames: storage.tableNames }),
  DescribeTimeToLive: ({ storage }, input) => describeTimeToLive(storage, input),
  UpdateTimeToLive: ({ storage }, input) => updateTimeToLive(storage, input),
};

export class DynamoDbService implements AwsService {
  readonly name = 'dynamodb';
  /** What the requests so far would be billed as. */
  readonly units = new ConsumedUnits();
  readonly #options: DynamoDbOptions;
  readonly #now: () => number;
  readonly #tables: Promise<Tables>;
  #sweep: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout;

  constructor(options: DynamoDbOptions = {}) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    const { behaviour = {} } = options;
    this.#tables = Storage.open({
      path: options.path,
      indexLagMs: behaviour.indexLagMs,
      onError: (error) => options.onError?.(error),
    }).then((storage) => ({
      storage,
      locks: new KeyLocks(),
      conflicts: new Conflicts(behaviour.transactionMs),
      partitions: new Partitions({ limits: behaviour.partition, nowMs: this.#now }),
      units: this.units,
    }));
    // Whoever uses the tables first is told; nobody else must die of it.
    this.#tables.catch(() => {});
    this.#timer = setInterval(() => this.#startSweep(), options.ttlSweepMs ?? 30_000);
    this.#timer.unref();
  }

  /** Takes the resolved properties of a table resource. A table of a former run keeps its items. */
  async createTable(declaration: unknown): Promise<Table> {
    const { region = 'us-east-1', accountId = '000000000000' } = this.#options;
    const { storage } = await this.#tables;
    return standUpTable(storage, readDeclaration(declaration, { region, accountId }));
  }

  async rights({ target, body }: UncheckedRequest) {
    const { region = 'us-east-1', accountId = '000000000000' } = this.#options;
    const { storage } = await this.#tables;
    return dynamoDbRights(target?.split('.').at(-1) ?? '', parseObject(body), (name) => {
      const table = storage.declared(name)?.table;
      return {
        arn: `arn:aws:dynamodb:${region}:${accountId}:table/${name}`,
        partitionKey: hashKeyOf(table?.KeySchema),
        indexes: table?.GlobalSecondaryIndexes ?? [],
      };
    });
  }

  async handle(request: AwsRequest, response: ServerResponse): Promise<void> {
    try {
      const operation = request.target?.split('.').at(-1) ?? '';
      send(response, 200, await this.call(operation, parse(request.body)));
    } catch (error) {
      if (isDynamoDbError(error)) {
        send(response, error.statusCode, error.body);
        return;
      }
      this.#options.onError?.(error);
      const type = 'com.amazon.coral.service#InternalServerError';
      send(response, 500, { __type: type, message: 'Internal server error of the stand-in' });
    }
  }

  /** One API operation, without HTTP around it. */
  async call(name: string, input: Input): Promise<object> {
    const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
    if (operation === undefined) {
      throw protocolError(
        'UnknownOperationException',
        `The local stand-in of DynamoDB does not serve the operation '${name}'`,
      );
    }
    return operation(await this.#tables, input, this.#now());
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweep;
    const tables = await this.#tables.catch(() => undefined);
    await tables?.storage.close();
  }

  #startSweep(): void {
    this.#sweep = this.#sweep
      .then(async () => {
        const tables = await this.#tables;
        await sweepExpired(tables, this.#now());
        await sweepTokens(tables.storage, this.#now());
      })
      .catch((error: unknown) => this.#options.onError?.(error));
  }
}

function parse(body: Buffer | undefined): Input {
  try {
    const value: unknown = JSON.parse(body?.toString() || '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Input;
  } catch {
    // Falls through to the one answer for whatever is no JSON object.
  }
  throw protocolError('SerializationException', 'The body must be a JSON object');
}

function send(response: ServerResponse, status: number, answer: object): void {
  const body = Buffer.from(JSON.stringify(answer));
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': body.length,
    'x-amzn-requestid': randomUUID(),
    'x-amz-crc32': crc32(body),
  });
  response.end(body);
}

const hashKeyOf = (schema: Table['KeySchema'] = []): string =>
  schema.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName ?? '';
