/**
 * Calls dynalite's actions and its checks of the input, by the name of the API operation.
 * A write must answer in the same turn: its locks and its atomic batch depend on that.
 */
import batchGetItem from 'dynalite/actions/batchGetItem.js';
import deleteItem from 'dynalite/actions/deleteItem.js';
import getItem from 'dynalite/actions/getItem.js';
import putItem from 'dynalite/actions/putItem.js';
import query from 'dynalite/actions/query.js';
import scan from 'dynalite/actions/scan.js';
import updateItem from 'dynalite/actions/updateItem.js';
import type { ActionStore } from 'dynalite/db/index.js';
import * as batchGetItemRules from 'dynalite/validations/batchGetItem.js';
import * as batchWriteItemRules from 'dynalite/validations/batchWriteItem.js';
import * as createTableRules from 'dynalite/validations/createTable.js';
import * as deleteItemRules from 'dynalite/validations/deleteItem.js';
import * as getItemRules from 'dynalite/validations/getItem.js';
import { checkTypes, checkValidations } from 'dynalite/validations/index.js';
import * as putItemRules from 'dynalite/validations/putItem.js';
import * as queryRules from 'dynalite/validations/query.js';
import * as scanRules from 'dynalite/validations/scan.js';
import * as updateItemRules from 'dynalite/validations/updateItem.js';

const ACTIONS = {
  BatchGetItem: batchGetItem,
  DeleteItem: deleteItem,
  GetItem: getItem,
  PutItem: putItem,
  Query: query,
  Scan: scan,
  UpdateItem: updateItem,
};

const RULES = {
  BatchGetItem: batchGetItemRules,
  BatchWriteItem: batchWriteItemRules,
  CreateTable: createTableRules,
  DeleteItem: deleteItemRules,
  GetItem: getItemRules,
  PutItem: putItemRules,
  Query: queryRules,
  Scan: scanRules,
  UpdateItem: updateItemRules,
};

export type ActionName = keyof typeof ACTIONS;

/** The input as the action wants it (expressions parsed), or an error as DynamoDB words it. */
export function check(
  name: keyof typeof RULES,
  input: object,
  options: ActionStore['options'],
): Record<string, unknown> {
  const { types, custom } = RULES[name];
  const data = checkTypes({ ...input }, types);
  checkValidations(data, types, custom, { options });
  return data;
}

export function runNow(name: ActionName, store: ActionStore, data: object): object {
  let answer: { error: Error | null | undefined; value: object | undefined } | undefined;
  ACTIONS[name](store, data, (error, value) => {
    answer = { error, value };
  });
  if (answer === undefined) throw new Error(`${name} did not answer in the same turn`);
  if (answer.error) throw answer.error;
  return answer.value ?? {};
}

export function run(name: ActionName, store: ActionStore, data: object): Promise<object> {
  return new Promise((resolve, reject) => {
    ACTIONS[name](store, data, (error, value) => {
      if (error) reject(error);
      else resolve(value ?? {});
    });
  });
}
