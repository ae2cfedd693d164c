/**
 * The LevelDB behind the tables: where items, index entries and table records lie, and the one way to write, an
 * atomic batch. A process that is killed leaves each batch whole or absent. It knows nothing of expressions.
 */
import { Readable } from 'node:stream';
import {
  type BatchOperation,
  create,
  type Item,
  type RangeOptions,
  type Store,
  type Table,
} from 'dynalite/db/index.js';
import { tableNotFound } from './errors.ts';
import { LateIndexes, lateRange } from './late-indexes.ts';

export interface TableRecord {
  readonly table: Table;
  /** Name of the attribute that holds the expiry. */
  readonly timeToLive?: string | undefined;
}

export interface StorageOptions {
  /** Without one the tables live in memory. */
  readonly path: string | undefined;
  readonly indexLagMs?: (() => number) | undefined;
  readonly onError: (error: unknown) => void;
}

const CHUNK = 256;

export const itemPrefix = (table: string) => `item/${table}/`;
export const indexPrefix = (table: string, index: string) => `index/${table}/${index}/`;
export const tokenKey = (token: string) => `token/${token}`;
const tableKey = (table: string) => `table/${table}`;

/** Every key under a prefix is made of letters, digits and `/`, all below `~`. */
export const rangeOf = (prefix: string) => ({ gte: prefix, lt: `${prefix}~` });

export class Storage {
  /** Tables declared since the start; one left over from a former run is unseen until it is declared again. */
  readonly #tables = new Map<string, TableRecord>();
  readonly #store: Store;
  readonly #late: LateIndexes | undefined;

  private constructor(store: Store, { indexLagMs, onError }: StorageOptions) {
    this.#store = store;
    this.#late =
      indexLagMs &&
      new LateIndexes({ lagMs: indexLagMs, commit: (all) => this.#batch(all), onError });
  }

  static async open(options: StorageOptions): Promise<Storage> {
    const { path } = options;
    const store = create(path === undefined ? {} : { path });
    try {
      await store.db.open();
    } catch (error) {
      const where = path ?? 'memory';
      throw new Error(`Cannot open the tables in ${where}; does another process use them?`, {
        cause: error,
      });
    }
    const storage = new Storage(store, options);
    await storage.#catchUp();
    return storage;
  }

  get options(): Store['options'] {
    return this.#store.options;
  }

  get tableNames(): string[] {
    return [...this.#tables.keys()].sort();
  }

  get records(): TableRecord[] {
    return [...this.#tables.values()];
  }

  record(name: unknown): TableRecord {
    const record = typeof name === 'string' ? this.#tables.get(name) : undefined;
    if (record === undefined) throw tableNotFound(name);
    return record;
  }

  declared(name: string): TableRecord | undefined {
    return this.#tables.get(name);
  }

  storedRecord(name: string): TableRecord | undefined {
    return this.read(tableKey(name)) as TableRecord | undefined;
  }

  async keepRecord(record: TableRecord): Promise<void> {
    const { TableName } = record.table;
    await this.commit([{ type: 'put', key: tableKey(TableName), value: record }]);
    this.#tables.set(TableName, record);
  }

  /** Synchronous, so that a condition and the change that depends on it are computed in one turn. */
  read(key: string): unknown {
    return this.#store.db.getSync(key);
  }

  item(table: string, itemKey: string): Item | undefined {
    return this.read(itemPrefix(table) + itemKey) as Item | undefined;
  }

  async commit(operations: readonly BatchOperation[]): Promise<void> {
    await this.#batch(this.#late?.hold(operations) ?? operations);
  }

  async clear(range: RangeOptions): Promise<void> {
    await this.#store.db.clear(range);
  }

  /** As dynalite's queries read: a stream of values, closed when they have enough. */
  stream(range: RangeOptions): Readable {
    return Readable.from(this.#values(range));
  }

  async *chunks(range: RangeOptions): AsyncGenerator<[key: string, value: unknown][]> {
    const entries = this.#store.db.iterator(range);
    try {
      for (;;) {
        const chunk = await entries.nextv(CHUNK);
        if (chunk.length === 0) return;
        yield chunk;
      }
    } finally {
      await entries.close();
    }
  }

  async *#values(range: RangeOptions): AsyncGenerator {
    for await (const chunk of this.chunks(range)) {
      for (const [, value] of chunk) yield value;
    }
  }

  async close(): Promise<void> {
    await this.#late?.flush();
    await this.#store.db.close();
  }

  async #batch(operations: readonly BatchOperation[]): Promise<void> {
    if (operations.length > 0) await this.#store.db.batch(operations);
  }

  /** Writes what a killed process held back of indexes. */
  async #catchUp(): Promise<void> {
    for await (const chunk of this.chunks(lateRange)) {
      for (const [key, held] of chunk)
        await this.#batch([...(held as BatchOperation[]), { type: 'del', key }]);
    }
  }
}
