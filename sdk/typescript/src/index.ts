/** What the package exports. Works in Node 20 and later and in browsers. */

export type { Completion } from '../../../contract/agent/completion.ts';
export type { FileEntry } from '../../../contract/agent/files.ts';
export type { ResourceSample } from '../../../contract/agent/metrics.ts';
export type { Process as ProcessInfo } from '../../../contract/agent/processes.ts';
export type { Validation, ValidationProblem } from '../../../contract/agent/validation.ts';
export type { Chart, TableData } from '../../../contract/charts.ts';
export type {
  Event,
  ExecutionErrorInfo,
  Metrics,
  MimeBundle,
  Outcome,
} from '../../../contract/events.ts';
export { type Forms, formsOf } from '../../../contract/forms.ts';
export type { Context } from '../../../contract/rest/contexts.ts';
export type { ExecutionSummary, Result } from '../../../contract/rest/executions.ts';
export type { Sandbox as SandboxInfo } from '../../../contract/rest/sandboxes.ts';
export {
  CodeInterpreter,
  type ListSandboxesFilter,
  type Runtime,
} from './client.ts';
export type { ClientOptions } from './config.ts';
export type { Contexts, CreateContextOptions } from './contexts.ts';
export type { CreateSandboxOptions, WaitOptions } from './create.ts';
export {
  CodeInterpreterError,
  ConnectionError,
  type ErrorCode,
  type ErrorFacts,
} from './errors.ts';
export { Files } from './files/files.ts';
export type { Progress, TransferOptions } from './files/options.ts';
export type { FileData } from './files/source.ts';
export type { FileChange, FileWatch, WatchOptions } from './files/watch.ts';
export type { Page, Paged, PageOptions } from './paged.ts';
export {
  Process,
  type ProcessListeners,
  type ProcessResult,
  type ProcessSignal,
} from './processes/process.ts';
export { Processes, type StartProcessOptions } from './processes/processes.ts';
export type { ExecutionResult } from './result.ts';
export type { RunOnceOptions, RunOnceResult } from './run-once.ts';
export type { ExecuteOptions, RunOptions } from './runs.ts';
export { Sandbox, type UpdateSandboxOptions } from './sandbox.ts';
export type { Stdin } from './stdin.ts';
export type { Way } from './transport/ways.ts';
