/** The parts of dynalite 4.0.0 that the stand-in builds on: its validation, expressions, key encoding and single actions. */

declare module 'dynalite/db/index.js' {
  export interface AttributeValue {
    [type: string]: unknown;
  }
  export interface Item {
    [attribute: string]: AttributeValue;
  }
  export interface KeySchemaElement {
    AttributeName: string;
    KeyType: 'HASH' | 'RANGE';
  }
  export interface TableIndex {
    IndexName: string;
    KeySchema: KeySchemaElement[];
    Projection: { ProjectionType: string; NonKeyAttributes?: string[] };
  }
  export interface Table {
    TableName: string;
    KeySchema: KeySchemaElement[];
    AttributeDefinitions: { AttributeName: string; AttributeType: 'S' | 'N' | 'B' }[];
    GlobalSecondaryIndexes?: TableIndex[];
  }
  export type Callback<T = unknown> = (error: Error | null | undefined, value?: T) => void;
  export interface RangeOptions {
    gt?: string;
    gte?: string;
    lt?: string;
    lte?: string;
    reverse?: boolean;
    limit?: number;
  }
  export interface SubDatabase {
    lock(key: string, task: (release: (callback: Callback) => Callback) => void): void;
    get(key: string, callback: Callback<Item>): void;
    put(key: string, value: Item, callback: Callback): void;
    del(key: string, callback: Callback): void;
    createValueStream(options: RangeOptions): NodeJS.ReadableStream;
  }
  /** What dynalite's actions ask of a store. */
  export interface ActionStore {
    readonly options: { readonly maxItemSize: number };
    getTable(
      name: string,
      checkStatus: boolean | Callback<Table>,
      callback?: Callback<Table>,
    ): void;
    getItemDb(table: string): SubDatabase;
    getIndexDb(type: string, table: string, index: string): SubDatabase;
  }
  export type BatchOperation =
    | { type: 'put'; key: string; value: unknown }
    | { type: 'del'; key: string };
  export interface LevelIterator<T> {
    nextv(size: number): Promise<T[]>;
    close(): Promise<void>;
  }
  export interface LevelDatabase {
    open(): Promise<void>;
    close(): Promise<void>;
    getSync(key: string): unknown;
    batch(operations: readonly BatchOperation[]): Promise<void>;
    clear(range: RangeOptions): Promise<void>;
    iterator(range: RangeOptions): LevelIterator<[key: string, value: unknown]>;
  }
  export interface Store {
    readonly options: { readonly maxItemSize: number };
    readonly db: LevelDatabase;
  }
  export interface IndexActions {
    puts: { index: string; key: string; item: Item }[];
  }
  export function create(options: { path?: string }): Store;
  export function createKey(item: Item, table: Table, keySchema?: KeySchemaElement[]): string;
  export function validateKey(key: Item, table: Table): Error | null | undefined;
  export function validateItem(item: Item, table: Table): Error | null | undefined;
  export function validationError(message: string): Error;
  export function getIndexActions(
    indexes: TableIndex[],
    existing: Item | null,
    item: Item | null,
    table: Table,
  ): IndexActions;
}

declare module 'dynalite/validations/index.js' {
  import type { ActionStore } from 'dynalite/db/index.js';
  export function checkTypes(data: object, types: object): Record<string, unknown>;
  export function checkValidations(
    data: object,
    types: object,
    custom: unknown,
    store: Pick<ActionStore, 'options'>,
  ): void;
}

declare module 'dynalite/validations/*' {
  export const types: object;
  export const custom: unknown;
}

declare module 'dynalite/actions/*' {
  import type { ActionStore, Callback } from 'dynalite/db/index.js';

  const action: (store: ActionStore, data: object, callback: Callback<object>) => void;
  export default action;
}
