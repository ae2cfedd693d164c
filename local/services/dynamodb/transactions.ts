/**
 * TransactWriteItems and TransactGetItems. A transaction holds the locks of all its items, checks every condition, then
 * writes everything with its idempotency record in one atomic batch: no caller and no crash can see half of it.
 */
import { hash } from 'node:crypto';
import type { BatchOperation, Item } from 'dynalite/db/index.js';
import { createKey, validateKey } from 'dynalite/db/index.js';
import { readView } from './action-store.ts';
import { check, runNow } from './actions.ts';
import { type CancellationReason, cancelled } from './conflicts.ts';
import { invalid, isConditionalCheckFailed, isValidationError, modelError } from './errors.ts';
import { rangeOf, type Storage, tokenKey } from './storage.ts';
import { apply, type Input, itemLock, prepare, type Tables, type Write } from './writes.ts';

const MAX_ITEMS = 100;
const TOKEN_LIFE_MS = 10 * 60_000;

interface TokenRecord {
  readonly sha256: string;
  readonly at: number;
}

interface Step {
  readonly write: Write;
  readonly checkOnly: boolean;
}

const KINDS = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  // A delete whose outcome is thrown away checks a condition and touches nothing.
  ConditionCheck: 'DeleteItem',
} as const;

export async function transactWriteItems(
  tables: Tables,
  input: Input,
  now: number,
): Promise<object> {
  const { storage, locks, conflicts, partitions } = tables;
  const entries = entriesOf(input);
  const steps = entries.map((entry) => step(storage, entry));
  const keys = steps.map(({ write }) => write.lock);
  if (new Set(keys).size < keys.length) {
    throw invalid('Transaction request cannot include multiple operations on one item');
  }
  const token = tokenOf(input);
  const work = async () => {
    const sha256 = hash('sha256', JSON.stringify(entries));
    if (token !== undefined && alreadyDone(storage, token, sha256, now)) return {};
    const { operations, charges } = applyAll(tables, steps);
    if (token !== undefined) {
      const value: TokenRecord = { sha256, at: now };
      operations.push({ type: 'put', key: tokenKey(token), value });
    }
    for (const { partition, units } of charges) partitions.charge('writeUnits', partition, units);
    await storage.commit(operations);
    tables.units.addWrites(operations, 2);
    return {};
  };
  const kept = token === undefined ? undefined : tokenKey(token);
  return conflicts.during({ locks: keys, token: kept }, () =>
    locks.run(kept === undefined ? keys : [...keys, kept], work),
  );
}

export async function transactGetItems(tables: Tables, input: Input): Promise<object> {
  const { storage, locks, conflicts } = tables;
  const reads = entriesOf(input).map((entry) => {
    const get = entry.Get;
    if (!isRecord(get)) throw invalid('TransactItems can only contain Get in TransactGetItems');
    const data = check('GetItem', get, storage.options);
    const { table } = storage.record(data.TableName);
    const problem = validateKey(data.Key as Item, table);
    if (problem) throw problem;
    return { data, lock: itemLock(table.TableName, createKey(data.Key as Item, table)) };
  });
  conflicts.assertAllFree(reads.map(({ lock }) => lock));
  const keys = [...new Set(reads.map(({ lock }) => lock))];
  return locks.run(keys, async () => ({
    Responses: reads.map(({ data }) => runNow('GetItem', readView(storage, undefined), data)),
  }));
}

/** Forgets tokens that no longer stand for a transaction. */
export async function sweepTokens(storage: Storage, now: number): Promise<void> {
  for await (const chunk of storage.chunks(rangeOf(tokenKey('')))) {
    const old = chunk.filter(([, value]) => now - (value as TokenRecord).at >= TOKEN_LIFE_MS);
    await storage.commit(old.map(([key]) => ({ type: 'del', key })));
  }
}

function entriesOf(input: Input): Record<string, unknown>[] {
  const entries: unknown = input.TransactItems;
  if (!Array.isArray(entries) || entries.length < 1 || entries.length > MAX_ITEMS) {
    throw invalid(
      `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to ${MAX_ITEMS}, and greater than or equal to 1`,
    );
  }
  if (!entries.every(isRecord)) throw invalid('TransactItems must be a list of structures');
  return entries;
}

function step(storage: Storage, entry: Record<string, unknown>): Step {
  const given = Object.entries(entry).filter(([, value]) => value !== undefined && value !== null);
  const [first, ...more] = given;
  if (!first || more.length > 0 || !isKind(first[0]) || !isRecord(first[1])) {
    throw invalid(
      'TransactItems can only contain one of Check, Put, Update or Delete in each of its members',
    );
  }
  const [kind, operation] = first;
  const needed = { ConditionCheck: 'ConditionExpression', Update: 'UpdateExpression' } as const;
  const field = kind === 'ConditionCheck' || kind === 'Update' ? needed[kind] : undefined;
  if (field !== undefined && typeof operation[field] !== 'string') {
    throw invalid(`The ${field} parameter is required for ${kind} operation`);
  }
  const write = prepare(storage, KINDS[kind], operation);
  return { write, checkOnly: kind === 'ConditionCheck' };
}

interface AppliedAll {
  readonly operations: BatchOperation[];
  readonly charges: { readonly partition: string; readonly units: number }[];
}

function applyAll({ storage, partitions }: Tables, steps: readonly Step[]): AppliedAll {
  const operations: BatchOperation[] = [];
  const charges: AppliedAll['charges'] = [];
  const reasons = steps.map(({ write, checkOnly }): CancellationReason => {
    const { partition } = write;
    if (partitions.isSpent('writeUnits', partition)) return THROTTLED;
    try {
      const applied = apply(storage, write);
      if (!checkOnly) operations.push(...applied.operations);
      // Prepared and committed: each item is paid twice.
      charges.push({ partition, units: 2 * applied.units });
      return { Code: 'None' };
    } catch (error) {
      return reasonOf(error);
    }
  });
  if (reasons.some(({ Code }) => Code !== 'None')) throw cancelled(reasons);
  return { operations, charges };
}

const THROTTLED: CancellationReason = {
  Code: 'ThrottlingError',
  Message: 'Throughput exceeds the current throughput limit for your table or index.',
};

function reasonOf(error: unknown): CancellationReason {
  if (isConditionalCheckFailed(error)) {
    const { Item: item } = error.body;
    const Message = 'The conditional request failed';
    return {
      Code: 'ConditionalCheckFailed',
      Message,
      ...(item === undefined ? {} : { Item: item }),
    };
  }
  if (isValidationError(error)) return { Code: 'ValidationError', Message: error.message };
  throw error;
}

function tokenOf(input: Input): string | undefined {
  const token = input.ClientRequestToken;
  if (token === undefined || token === null) return undefined;
  if (typeof token !== 'string' || !/^[\x21-\x7d]{1,36}$/.test(token)) {
    throw invalid(
      "1 validation error detected: Value at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to 36",
    );
  }
  return token;
}

function alreadyDone(storage: Storage, token: string, sha256: string, now: number): boolean {
  const former = storage.read(tokenKey(token)) as TokenRecord | undefined;
  if (former === undefined || now - former.at >= TOKEN_LIFE_MS) return false;
  if (former.sha256 === sha256) return true;
  throw modelError(
    'IdempotentParameterMismatchException',
    'The request uses the same client token as a previous, but non-identical request.',
  );
}

function isKind(name: string): name is keyof typeof KINDS {
  return Object.hasOwn(KINDS, name);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
