/**
 * The agent's file routes as functions. Bytes are a caller's own affair; every other answer is parsed,
 * because user code shares the agent's machine.
 */
import { FileEntry, ListFilesResponse } from '../../contract/agent/files.ts';
import { AgentErrorBody } from '../../contract/errors.ts';
import type { AgentBytes, AgentBytesAnswer, AgentBytesCall, AgentGateway } from '../ports.ts';
import { AgentRefusal, type AgentTarget, callAgent, readAgentJson } from './agent.ts';

/** Walks of large trees take their time; API Gateway waits 29 s. */
const WALK_MS = 26_000;
const ENTRY_BYTES = 64 * 1024;

const pathOf = (route: string, query: Readonly<Record<string, string | number | undefined>>) =>
  `${route}?${Object.entries(query)
    .flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${encodeURIComponent(String(value))}`],
    )
    .join('&')}`;

export type FileConditions = NonNullable<AgentBytesCall['headers']>;

/** @throws {AgentRefusal} for an answer that is neither 2xx nor 304 */
async function exchange(
  gateway: AgentBytes,
  target: AgentTarget,
  call: Omit<AgentBytesCall, 'token'>,
): Promise<AgentBytesAnswer> {
  const answer = await gateway.exchange(target.address, { ...call, token: target.token });
  if ((answer.status >= 200 && answer.status < 300) || answer.status === 304) return answer;
  throw new AgentRefusal(answer.status, readAgentJson(AgentErrorBody, asText(answer)));
}

const asText = ({ bytes }: AgentBytesAnswer) => ({ body: new TextDecoder().decode(bytes) });

export async function readAgentFile(
  gateway: AgentBytes,
  target: AgentTarget,
  { path, maxBytes, headers }: { path: string; maxBytes: number; headers: FileConditions },
): Promise<AgentBytesAnswer> {
  return exchange(gateway, target, {
    method: 'GET',
    path: pathOf('/files', { path, maxBytes }),
    headers,
    maxAnswerBytes: Math.max(maxBytes, ENTRY_BYTES),
  });
}

export async function writeAgentFile(
  gateway: AgentBytes,
  target: AgentTarget,
  file: { path: string; bytes: Uint8Array; sha256?: string | undefined; headers: FileConditions },
): Promise<FileEntry> {
  const { path, bytes, sha256, headers } = file;
  const answer = await exchange(gateway, target, {
    method: 'PUT',
    path: pathOf('/files', { path, sha256 }),
    headers,
    bytes,
    maxAnswerBytes: ENTRY_BYTES,
    headTimeoutMs: WALK_MS,
  });
  return readAgentJson(FileEntry, asText(answer));
}

export async function removeAgentFile(
  gateway: AgentGateway,
  target: AgentTarget,
  { path, recursive }: { path: string; recursive: boolean },
): Promise<void> {
  const route = pathOf('/files', { path, recursive: String(recursive) });
  await callAgent(gateway, target, { method: 'DELETE', path: route, headTimeoutMs: WALK_MS });
}

export async function listAgentFiles(
  gateway: AgentGateway,
  target: AgentTarget,
  query: { path: string; depth: number; limit: number; after: string | undefined },
): Promise<ListFilesResponse> {
  const route = pathOf('/files/list', query);
  return readAgentJson(
    ListFilesResponse,
    await callAgent(gateway, target, { method: 'GET', path: route, headTimeoutMs: WALK_MS }),
  );
}

export async function statAgentFile(
  gateway: AgentGateway,
  target: AgentTarget,
  path: string,
): Promise<FileEntry> {
  const route = pathOf('/files/stat', { path });
  return readAgentJson(FileEntry, await callAgent(gateway, target, { method: 'GET', path: route }));
}

/** `POST /files/mkdir` and `/files/move`, which answer what stands there then. */
export async function changeAgentFile(
  gateway: AgentGateway,
  target: AgentTarget,
  operation: 'mkdir' | 'move',
  body: Readonly<Record<string, unknown>>,
): Promise<FileEntry> {
  return readAgentJson(
    FileEntry,
    await callAgent(gateway, target, { method: 'POST', path: `/files/${operation}`, body }),
  );
}
