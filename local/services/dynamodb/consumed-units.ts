/**
 * Counts the request units that AWS would bill: reads as dynalite reckons them, writes by the size of
 * what lies there afterwards, index entries included. Sizes are those of JSON, so a little too large;
 * a condition that failed is not counted.
 */
import type { BatchOperation } from 'dynalite/db/index.js';

export interface TableUnits {
  readonly table: string;
  readonly readUnits: number;
  readonly writeUnits: number;
}

const WRITE_UNIT_BYTES = 1024;

export class ConsumedUnits {
  readonly #tables = new Map<string, { readUnits: number; writeUnits: number }>();

  /** @param weight of each item: 2 in a transaction */
  addWrites(operations: readonly BatchOperation[], weight: 1 | 2): void {
    for (const operation of operations) {
      const [kind = '', table = ''] = operation.key.split('/');
      if (kind !== 'item' && kind !== 'index') continue;
      const bytes = operation.type === 'put' ? JSON.stringify(operation.value).length : 0;
      const units = Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES));
      // An index follows its table by itself, in no transaction.
      this.#of(table).writeUnits += units * (kind === 'item' ? weight : 1);
    }
  }

  addReads(table: string, units: number): void {
    this.#of(table).readUnits += units;
  }

  list(): readonly TableUnits[] {
    return [...this.#tables].map(([table, units]) => ({ table, ...units }));
  }

  reset(): void {
    this.#tables.clear();
  }

  #of(table: string): { readUnits: number; writeUnits: number } {
    const known = this.#tables.get(table) ?? { readUnits: 0, writeUnits: 0 };
    this.#tables.set(table, known);
    return known;
  }
}
