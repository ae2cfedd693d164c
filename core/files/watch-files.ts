/** Watch a directory of a sandbox: its agent does, and the changes are read as the events of an execution are. */
import { FileWatch, type WatchFilesBody } from '../../contract/agent/files.ts';
import type { SandboxId } from '../../contract/ids.ts';
import type { Caller } from '../account/caller.ts';
import type { IdempotencyKey } from '../account/idempotency.ts';
import { callAgent, readAgentJson } from '../agent/agent.ts';
import { type StartOnDemandDeps, startOnDemand } from '../execution/start-on-demand.ts';

/** The agent goes through all directories first. */
const HEAD_MS = 20_000;

export interface WatchFilesInput {
  readonly sandboxId: SandboxId;
  readonly body: WatchFilesBody;
  readonly asked?: IdempotencyKey | undefined;
}

export const watchFiles = (
  deps: StartOnDemandDeps,
  { sandboxId, body, asked }: WatchFilesInput,
  caller: Caller,
): Promise<FileWatch> =>
  startOnDemand(deps, { sandboxId, asked, what: 'watch' }, caller, async (target, executionId) => {
    const request = { executionId, ...body };
    const call = {
      method: 'POST',
      path: '/watches',
      body: request,
      headTimeoutMs: HEAD_MS,
    } as const;
    const watch = readAgentJson(FileWatch, await callAgent(deps.gateway, target, call));
    return { answer: { ...watch, executionId }, facts: { watch: body.path } };
  });
