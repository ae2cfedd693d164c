/** The table of all operations that are built, by operation id. */
import { accountOperations } from './rest/account.ts';
import { contextOperations } from './rest/contexts.ts';
import { executionOperations } from './rest/executions.ts';
import { fileOperations } from './rest/files.ts';
import { metricOperations } from './rest/metrics.ts';
import type { BodyOf, Operation, ParamsOf, QueryOf } from './rest/operation.ts';
import { processOperations } from './rest/processes.ts';
import { runOperations } from './rest/run.ts';
import { sandboxOperations } from './rest/sandboxes.ts';
import { serviceOperations } from './rest/service.ts';
import { transferOperations } from './rest/transfers.ts';

export const OPERATIONS = {
  ...serviceOperations,
  ...sandboxOperations,
  ...executionOperations,
  ...runOperations,
  ...contextOperations,
  ...processOperations,
  ...metricOperations,
  ...accountOperations,
  ...fileOperations,
  ...transferOperations,
} as const;

export type Operations = typeof OPERATIONS;
export type OperationId = keyof Operations;
export const OPERATION_IDS = Object.keys(OPERATIONS) as OperationId[];

/** The row as its general shape. */
export const operationOf = (id: OperationId): Operation => OPERATIONS[id];

/** What a handler gets once everything is parsed. */
export interface InputOf<Id extends OperationId> {
  readonly params: ParamsOf<Operations[Id]>;
  readonly query: QueryOf<Operations[Id]>;
  readonly body: BodyOf<Operations[Id]>;
}

export const BASE_PATH = '/api/v1';
