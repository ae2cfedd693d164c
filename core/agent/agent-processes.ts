/** The agent's routes of processes as functions; what comes back is parsed, as everything of an agent. */
import {
  Process,
  ProcessList,
  ProcessStdinResponse,
  type PtySize,
  type SignalProcessRequest,
  type StartProcessRequest,
} from '../../contract/agent/processes.ts';
import type { StdinPart } from '../../contract/agent/protocol.ts';
import type { AgentCall, AgentGateway } from '../ports.ts';
import { type AgentTarget, callAgent, readAgentJson } from './agent.ts';

const HEAD_MS = 5_000;

const call = (
  gateway: AgentGateway,
  target: AgentTarget,
  request: Pick<AgentCall, 'method' | 'path' | 'body'>,
) => callAgent(gateway, target, { ...request, headTimeoutMs: HEAD_MS });

/** Safe to repeat with the same body. */
export const startAgentProcess = async (
  gateway: AgentGateway,
  target: AgentTarget,
  body: StartProcessRequest,
): Promise<Process> =>
  readAgentJson(Process, await call(gateway, target, { method: 'POST', path: '/processes', body }));

export const listAgentProcesses = async (
  gateway: AgentGateway,
  target: AgentTarget,
): Promise<Process[]> =>
  readAgentJson(ProcessList, await call(gateway, target, { method: 'GET', path: '/processes' }))
    .items;

export async function killAgentProcess(
  gateway: AgentGateway,
  target: AgentTarget,
  pid: number,
): Promise<void> {
  await call(gateway, target, { method: 'DELETE', path: `/processes/${pid}` });
}

/** Safe to repeat: an agent hands a number on once. */
export async function writeAgentProcess(
  gateway: AgentGateway,
  target: AgentTarget,
  { pid, part }: { readonly pid: number; readonly part: StdinPart },
): Promise<ProcessStdinResponse> {
  const path = `/processes/${pid}/stdin`;
  const answer = await call(gateway, target, { method: 'POST', path, body: part });
  return { pid, nextSeq: readAgentJson(ProcessStdinResponse, answer).nextSeq };
}

export async function tellAgentProcess(
  gateway: AgentGateway,
  target: AgentTarget,
  {
    pid,
    ...told
  }: { readonly pid: number } & (
    | { readonly resize: PtySize }
    | { readonly signal: SignalProcessRequest }
  ),
): Promise<void> {
  const [what, body] = 'resize' in told ? ['resize', told.resize] : ['signal', told.signal];
  await call(gateway, target, { method: 'POST', path: `/processes/${pid}/${what}`, body });
}
