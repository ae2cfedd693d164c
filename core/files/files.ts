/** Files of a sandbox up to 4 MB, and names of any: each one request to its agent. */
import type { FileEntry } from '../../contract/agent/files.ts';
import type { SandboxId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { Caller } from '../account/caller.ts';
import {
  changeAgentFile,
  type FileConditions,
  listAgentFiles,
  readAgentFile,
  removeAgentFile,
  statAgentFile,
  writeAgentFile,
} from '../agent/agent-files.ts';
import { type SandboxAgentDeps, withAgent } from '../agent/with-agent.ts';
import type { AgentBytes, AgentBytesAnswer, AgentGateway } from '../ports.ts';

type FilesDeps = SandboxAgentDeps & { readonly gateway: AgentGateway & AgentBytes };

interface AtPath {
  readonly sandboxId: SandboxId;
  readonly path: string;
}

export interface ReadFileInput extends AtPath {
  readonly headers: FileConditions;
  /** More is refused; what one answer takes where nothing is said. */
  readonly maxBytes?: number;
}

export interface WriteFileInput extends AtPath {
  readonly bytes: Uint8Array;
  readonly sha256?: string | undefined;
  readonly headers: FileConditions;
}

export interface ListFilesInput {
  readonly sandboxId: SandboxId;
  readonly path?: string | undefined;
  readonly depth?: number | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** Answers 200, 206 or 304, as HTTP says. */
export const readFile = (
  deps: FilesDeps,
  input: ReadFileInput,
  caller: Caller,
): Promise<AgentBytesAnswer> =>
  withAgent(deps, input.sandboxId, caller, (target) =>
    readAgentFile(deps.gateway, target, { maxBytes: LIMITS.fileRequestBytes, ...input }),
  );

export const writeFile = (
  deps: FilesDeps,
  input: WriteFileInput,
  caller: Caller,
): Promise<FileEntry> =>
  withAgent(deps, input.sandboxId, caller, (target) => writeAgentFile(deps.gateway, target, input));

export const deleteFile = (
  deps: FilesDeps,
  input: AtPath & { readonly recursive: boolean },
  caller: Caller,
): Promise<void> =>
  withAgent(deps, input.sandboxId, caller, (target) =>
    removeAgentFile(deps.gateway, target, input),
  );

export const listFiles = (
  deps: FilesDeps,
  input: ListFilesInput,
  caller: Caller,
): Promise<{ items: FileEntry[]; nextCursor: string | null }> =>
  withAgent(deps, input.sandboxId, caller, async (target) => {
    const { path = '.', depth = 1, limit = LIMITS.pageSize.default, cursor } = input;
    const asked = { path, depth, limit, after: cursor };
    const { items, nextAfter } = await listAgentFiles(deps.gateway, target, asked);
    return { items, nextCursor: nextAfter };
  });

export const statFile = (deps: FilesDeps, input: AtPath, caller: Caller): Promise<FileEntry> =>
  withAgent(deps, input.sandboxId, caller, (target) =>
    statAgentFile(deps.gateway, target, input.path),
  );

export const makeDirectory = (
  deps: FilesDeps,
  { sandboxId, path }: AtPath,
  caller: Caller,
): Promise<FileEntry> =>
  withAgent(deps, sandboxId, caller, (target) =>
    changeAgentFile(deps.gateway, target, 'mkdir', { path }),
  );

export const moveFile = (
  deps: FilesDeps,
  input: { sandboxId: SandboxId; from: string; to: string; overwrite?: boolean | undefined },
  caller: Caller,
): Promise<FileEntry> => {
  const { sandboxId, ...body } = input;
  return withAgent(deps, sandboxId, caller, (target) =>
    changeAgentFile(deps.gateway, target, 'move', body),
  );
};
