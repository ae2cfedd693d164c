/** The agent's routes for large files, whose bytes go between it and an object, past us. */
import {
  type BeginUploadRequest,
  FileDigest,
  FileEntry,
  UploadProgress,
} from '../../contract/agent/files.ts';
import { AgentErrorBody } from '../../contract/errors.ts';
import type {
  AgentBytesAnswer,
  AgentGateway,
  AgentTransfer,
  AgentTransfers,
  PresignedPut,
} from '../ports.ts';
import { AgentRefusal, type AgentTarget, callAgent, readAgentJson } from './agent.ts';

/** What one function may take at most; the copying of a slice, or of a whole file, is told at its end. */
const COPY_MS = 840_000;
const SILENCE_MS = 30_000;
const ANSWER_BYTES = 64 * 1024;

/** The object's store refused: what was there is gone, or was never there. */
export class ObjectRefused extends Error {
  override readonly name = 'ObjectRefused';
}

export async function beginAgentUpload(
  gateway: AgentGateway,
  target: AgentTarget,
  body: BeginUploadRequest,
): Promise<number> {
  const call = { method: 'POST', path: '/files/uploads', body, headTimeoutMs: 10_000 } as const;
  return readAgentJson(UploadProgress, await callAgent(gateway, target, call)).offset;
}

/** Where the next slice begins. */
export async function copySliceIn(
  gateway: AgentTransfers,
  target: AgentTarget,
  { uploadId, ...source }: { uploadId: string; url: string; from: number; to: number },
): Promise<number> {
  const answer = await transfer(gateway, target, {
    method: 'PUT',
    path: `/files/uploads/${uploadId}?offset=${source.from}`,
    source,
  });
  if ('object' in answer) throw new ObjectRefused(`the object was answered ${answer.object}`);
  return readAgentJson(UploadProgress, asText(answer)).offset;
}

export async function finishAgentUpload(
  gateway: AgentGateway,
  target: AgentTarget,
  uploadId: string,
): Promise<FileEntry> {
  const path = `/files/uploads/${uploadId}/finish`;
  const call = { method: 'POST', path, headTimeoutMs: 30_000 } as const;
  return readAgentJson(FileEntry, await callAgent(gateway, target, call));
}

export async function digestAgentFile(
  gateway: AgentGateway,
  target: AgentTarget,
  path: string,
): Promise<FileDigest> {
  const route = `/files/digest?path=${encodeURIComponent(path)}`;
  const call = { method: 'GET', path: route, headTimeoutMs: COPY_MS } as const;
  return readAgentJson(FileDigest, await callAgent(gateway, target, call));
}

/** The version that was digested and no other. */
export async function copyFileOut(
  gateway: AgentTransfers,
  target: AgentTarget,
  file: { path: string; version: string; sink: PresignedPut & { sizeBytes: number } },
): Promise<void> {
  const answer = await transfer(gateway, target, {
    method: 'GET',
    path: `/files?path=${encodeURIComponent(file.path)}`,
    headers: { 'if-match': `"${file.version}"` },
    sink: file.sink,
  });
  if (!('object' in answer)) throw new ObjectRefused('the agent answered no file');
  if (answer.object !== 200) throw new ObjectRefused(`the object was answered ${answer.object}`);
}

/** @throws {AgentRefusal} for an answer of the agent that is not 2xx */
async function transfer(
  gateway: AgentTransfers,
  target: AgentTarget,
  call: Omit<AgentTransfer, 'token' | 'maxAnswerBytes'>,
): Promise<AgentBytesAnswer | { object: number }> {
  const answer = await gateway.transfer(target.address, {
    ...call,
    token: target.token,
    headTimeoutMs: COPY_MS,
    idleTimeoutMs: SILENCE_MS,
    maxAnswerBytes: ANSWER_BYTES,
  });
  if ('object' in answer || (answer.status >= 200 && answer.status < 300)) return answer;
  throw new AgentRefusal(answer.status, readAgentJson(AgentErrorBody, asText(answer)));
}

const asText = ({ bytes }: AgentBytesAnswer) => ({ body: new TextDecoder().decode(bytes) });
