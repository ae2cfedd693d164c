/** The agent's routes of contexts as functions; what comes back is parsed, as everything of an agent. */
import * as z from 'zod/mini';
import { type CompleteRequest, Completion } from '../../contract/agent/completion.ts';
import { AgentContext, type CreateContextRequest } from '../../contract/agent/contexts.ts';
import { type ValidateRequest, Validation } from '../../contract/agent/validation.ts';
import type { ContextId } from '../../contract/ids.ts';
import type { AgentCall, AgentGateway } from '../ports.ts';
import { type AgentTarget, callAgent, readAgentJson } from './agent.ts';

/** A kernel that is restarted is awaited until it has ended; a completion takes 5 s at most. */
const HEAD_MS = 10_000;
/** Longer than the agent gives a parser. */
const VALIDATION_MS = 20_000;

const List = z.object({ items: z.array(AgentContext) });

const call = (
  gateway: AgentGateway,
  target: AgentTarget,
  request: Pick<AgentCall, 'method' | 'path' | 'body'>,
) => callAgent(gateway, target, { ...request, headTimeoutMs: HEAD_MS });

/** Safe to repeat with the same body. */
export const createAgentContext = async (
  gateway: AgentGateway,
  target: AgentTarget,
  body: CreateContextRequest,
): Promise<AgentContext> =>
  readAgentJson(
    AgentContext,
    await call(gateway, target, { method: 'POST', path: '/contexts', body }),
  );

export const getAgentContext = async (
  gateway: AgentGateway,
  target: AgentTarget,
  id: ContextId,
): Promise<AgentContext> =>
  readAgentJson(
    AgentContext,
    await call(gateway, target, { method: 'GET', path: `/contexts/${id}` }),
  );

export const listAgentContexts = async (
  gateway: AgentGateway,
  target: AgentTarget,
): Promise<AgentContext[]> =>
  readAgentJson(List, await call(gateway, target, { method: 'GET', path: '/contexts' })).items;

export const restartAgentContext = async (
  gateway: AgentGateway,
  target: AgentTarget,
  id: ContextId,
): Promise<AgentContext> =>
  readAgentJson(
    AgentContext,
    await call(gateway, target, { method: 'POST', path: `/contexts/${id}/restart` }),
  );

export async function deleteAgentContext(
  gateway: AgentGateway,
  target: AgentTarget,
  id: ContextId,
): Promise<void> {
  await call(gateway, target, { method: 'DELETE', path: `/contexts/${id}` });
}

export const completeByAgent = async (
  gateway: AgentGateway,
  target: AgentTarget,
  { contextId, body }: { readonly contextId: ContextId; readonly body: CompleteRequest },
): Promise<Completion> => {
  const path = `/contexts/${contextId}/complete`;
  return readAgentJson(Completion, await call(gateway, target, { method: 'POST', path, body }));
};

export const validateByAgent = async (
  gateway: AgentGateway,
  target: AgentTarget,
  body: ValidateRequest,
): Promise<Validation> => {
  const request = {
    method: 'POST',
    path: '/validate',
    body,
    headTimeoutMs: VALIDATION_MS,
  } as const;
  return readAgentJson(Validation, await callAgent(gateway, target, request));
};
