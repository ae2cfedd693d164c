/**
 * Which function serves which operation. A function answers streamed or buffered, never both: a
 * handler of one kind behind a method of the other is a 502, or lacks its prelude.
 */
import type { OperationId } from '../../contract/operations.ts';

export type RestFunction = 'sandboxes' | 'executions' | 'account' | 'files';

export const TRANSFER_OF = {
  sandboxes: 'BUFFERED',
  executions: 'STREAM',
  account: 'BUFFERED',
  files: 'BUFFERED',
} as const satisfies Record<RestFunction, 'BUFFERED' | 'STREAM'>;

export const FUNCTION_OF: Readonly<Record<OperationId, RestFunction>> = {
  health: 'sandboxes',
  ready: 'sandboxes',
  openapi: 'sandboxes',
  runtimes: 'sandboxes',
  createSandbox: 'sandboxes',
  listSandboxes: 'sandboxes',
  getSandbox: 'sandboxes',
  updateSandbox: 'sandboxes',
  terminateSandbox: 'sandboxes',
  executeCode: 'executions',
  runOnce: 'executions',
  listExecutions: 'sandboxes',
  // What an execution printed may be more than a buffered answer holds.
  getExecution: 'executions',
  readEvents: 'executions',
  readResult: 'executions',
  interrupt: 'sandboxes',
  writeStdin: 'sandboxes',
  createContext: 'sandboxes',
  listContexts: 'sandboxes',
  deleteContext: 'sandboxes',
  restartContext: 'sandboxes',
  completeCode: 'sandboxes',
  validateCode: 'sandboxes',
  // It leaves a record, as an execution does.
  watchFiles: 'sandboxes',
  getMetrics: 'sandboxes',
  startProcess: 'sandboxes',
  listProcesses: 'sandboxes',
  killProcess: 'sandboxes',
  writeProcessStdin: 'sandboxes',
  resizeProcess: 'sandboxes',
  signalProcess: 'sandboxes',
  createKey: 'account',
  listKeys: 'account',
  revokeKey: 'account',
  rotateKey: 'account',
  createTicket: 'account',
  getUsage: 'account',
  createTenant: 'account',
  listTenants: 'account',
  readFile: 'files',
  writeFile: 'files',
  deleteFile: 'files',
  listFiles: 'files',
  statFile: 'files',
  makeDirectory: 'files',
  moveFile: 'files',
  createUpload: 'files',
  completeUpload: 'files',
  createDownload: 'files',
  getDownload: 'files',
};
