/**
 * Copies one file between its object and its sandbox, holding the transfer's lease. A slice that was cut
 * goes on where the agent stands; whoever dies here is replaced when the transfer is asked for again.
 */
import { AppError } from '../../contract/errors.ts';
import { LIMITS } from '../../contract/limits.ts';
import { AgentRefusal, type AgentTarget, fromRefusal } from '../agent/agent.ts';
import {
  beginAgentUpload,
  copyFileOut,
  copySliceIn,
  digestAgentFile,
  finishAgentUpload,
  ObjectRefused,
} from '../agent/agent-transfers.ts';
import { type AgentGateway, type AgentTransfers, AgentUnreachable, type Clock } from '../ports.ts';
import { assertRunning, ownedBy } from '../sandbox/sandbox.ts';
import type { SandboxStore } from '../sandbox/sandbox-store.ts';
import {
  type DownloadRecord,
  objectKey,
  type TransferRecord,
  type UploadRecord,
} from './transfer.ts';
import type { TransferEnd, TransferId, TransferObjects, TransferStore } from './transfer-store.ts';

export interface RunTransferDeps {
  readonly sandboxes: SandboxStore;
  readonly transfers: TransferStore;
  readonly objects: TransferObjects;
  readonly gateway: AgentGateway & AgentTransfers;
  readonly clock: Clock;
  readonly transferLeaseMs: number;
}

const SLICE_BYTES = 32 * 1024 * 1024;
const TRIES = 5;
const PAUSE_MS = 500;
const URL_LIFE_MS = 3_600_000;

/** Answers how it ended; undefined where there was nothing to do. */
export async function runTransfer(
  deps: RunTransferDeps,
  id: TransferId,
): Promise<TransferEnd['state'] | undefined> {
  const record = await deps.transfers.get(id);
  if (record?.state !== 'copying') return undefined;
  const over = new AbortController();
  const lease = keepLease(deps, id, over.signal);
  try {
    const end = await copy(deps, record).catch((error: unknown) => failureOf(error));
    await deps.transfers.end(id, end);
    return end.state;
  } finally {
    over.abort();
    await lease;
  }
}

async function copy(deps: RunTransferDeps, record: TransferRecord): Promise<TransferEnd> {
  const { sandboxId, tenantId } = record;
  const sandbox = ownedBy(await deps.sandboxes.get(sandboxId), tenantId, sandboxId);
  assertRunning(sandbox, deps.clock.iso(deps.clock.nowMs()));
  const target = { address: sandbox.task.address, token: sandbox.controlToken };
  return retrying(deps.clock, () =>
    record.kind === 'upload' ? copyIn(deps, target, record) : copyOut(deps, target, record),
  );
}

async function copyIn(
  { gateway, objects }: RunTransferDeps,
  target: AgentTarget,
  record: UploadRecord,
): Promise<TransferEnd> {
  const { id: uploadId, path, sizeBytes, sha256 } = record;
  const url = await objects.presignGet(objectKey(record), URL_LIFE_MS);
  let from = await beginAgentUpload(gateway, target, { uploadId, path, sizeBytes, sha256 });
  while (from < sizeBytes) {
    const to = Math.min(from + SLICE_BYTES, sizeBytes) - 1;
    from = await copySliceIn(gateway, target, { uploadId, url, from, to });
  }
  return { state: 'done', entry: await finishAgentUpload(gateway, target, uploadId) };
}

async function copyOut(
  { gateway, objects }: RunTransferDeps,
  target: AgentTarget,
  record: DownloadRecord,
): Promise<TransferEnd> {
  const { path } = record;
  const { entry, sha256 } = await digestAgentFile(gateway, target, path);
  const { sizeBytes, version } = entry;
  if (sizeBytes > LIMITS.fileBytes) throw tooLarge(sizeBytes);
  const put = await objects.presignPut(objectKey(record), { sizeBytes, sha256 }, URL_LIFE_MS);
  await copyFileOut(gateway, target, { path, version, sink: { ...put, sizeBytes } });
  return { state: 'done', entry, sizeBytes, sha256 };
}

/** What was cut is tried again, and so is a file that was changed or a slice that overlapped another's. */
async function retrying<T>(clock: Clock, attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const mayPass =
        error instanceof AgentUnreachable ||
        (error instanceof AgentRefusal && MAY_PASS.includes(error.body.code));
      if (!mayPass || tries === TRIES) throw error;
      await clock.sleep(PAUSE_MS * tries);
    }
  }
}

const MAY_PASS = ['INVALID_SANDBOX_STATE', 'PRECONDITION_FAILED', 'NOT_FOUND', 'RATE_LIMITED'];

async function keepLease(
  { transfers, clock, transferLeaseMs }: RunTransferDeps,
  id: TransferId,
  over: AbortSignal,
): Promise<void> {
  while (!over.aborted) {
    await clock.sleep(transferLeaseMs / 3, over);
    // One that is missed is made up for by the next; a lapsed lease only means that two may copy.
    if (!over.aborted)
      await transfers.renewLease(id, clock.iso(clock.nowMs() + transferLeaseMs)).catch(() => {});
  }
}

/** @throws what is a failure of ours: the lease lapses, and who asks again begins again */
function failureOf(error: unknown): TransferEnd {
  const told = toldOf(error);
  if (!told) throw error;
  return { state: 'failed', error: { code: told.code, message: told.message } };
}

function toldOf(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  if (error instanceof AgentRefusal) {
    const told = fromRefusal(error);
    return told instanceof AppError ? told : undefined;
  }
  if (error instanceof AgentUnreachable)
    return new AppError('AGENT_UNREACHABLE', 'The sandbox does not answer. Ask again.');
  if (error instanceof ObjectRefused)
    return new AppError('INTERNAL_ERROR', 'The bytes on their way are not to be had. Begin anew.');
  return undefined;
}

const tooLarge = (sizeBytes: number): AppError =>
  new AppError(
    'FILE_TOO_LARGE',
    `path: has ${sizeBytes} bytes, and a download takes ${LIMITS.fileBytes} at most`,
    { details: { field: 'path', sizeBytes, allowed: LIMITS.fileBytes } },
  );
