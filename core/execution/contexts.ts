/**
 * Contexts of a sandbox: they live in its agent, so each of these is one request to it. A context
 * made under an Idempotency-Key has an id that comes from the key, so that the agent knows a repeat.
 */
import type { CompleteRequest, Completion } from '../../contract/agent/completion.ts';
import type { ValidateRequest, Validation } from '../../contract/agent/validation.ts';
import { ContextId, type SandboxId } from '../../contract/ids.ts';
import type { Context, CreateContextBody } from '../../contract/rest/contexts.ts';
import type { Caller } from '../account/caller.ts';
import type { IdempotencyKey } from '../account/idempotency.ts';
import {
  completeByAgent,
  createAgentContext,
  deleteAgentContext,
  listAgentContexts,
  restartAgentContext,
  validateByAgent,
} from '../agent/agent-contexts.ts';
import { type SandboxAgentDeps, withAgent } from '../agent/with-agent.ts';
import type { AgentGateway, Digest, Ids } from '../ports.ts';

type ContextsDeps = SandboxAgentDeps & { readonly gateway: AgentGateway };

export interface CreateContextInput {
  readonly sandboxId: SandboxId;
  readonly body: CreateContextBody;
  readonly asked?: IdempotencyKey | undefined;
}

export interface ContextInput {
  readonly sandboxId: SandboxId;
  readonly contextId: ContextId;
}

export const createContext = (
  deps: ContextsDeps & { readonly ids: Ids; readonly digest: Digest },
  { sandboxId, body, asked }: CreateContextInput,
  caller: Caller,
): Promise<Context> =>
  withAgent(deps, sandboxId, caller, (target) => {
    const contextId = asked ? idFrom(deps.digest, sandboxId, asked.key) : deps.ids.context();
    const { language, cwd, env } = body;
    return createAgentContext(deps.gateway, target, {
      contextId,
      language,
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
    });
  });

export const listContexts = (
  deps: ContextsDeps,
  sandboxId: SandboxId,
  caller: Caller,
): Promise<{ items: Context[] }> =>
  withAgent(deps, sandboxId, caller, async (target) => ({
    items: await listAgentContexts(deps.gateway, target),
  }));

export const restartContext = (
  deps: ContextsDeps,
  { sandboxId, contextId }: ContextInput,
  caller: Caller,
): Promise<Context> =>
  withAgent(deps, sandboxId, caller, (target) =>
    restartAgentContext(deps.gateway, target, contextId),
  );

export const deleteContext = (
  deps: ContextsDeps,
  { sandboxId, contextId }: ContextInput,
  caller: Caller,
): Promise<void> =>
  withAgent(deps, sandboxId, caller, (target) =>
    deleteAgentContext(deps.gateway, target, contextId),
  );

/** As what is validated, it is no execution. */
export const completeCode = (
  deps: ContextsDeps,
  { sandboxId, contextId, body }: ContextInput & { readonly body: CompleteRequest },
  caller: Caller,
): Promise<Completion> =>
  withAgent(deps, sandboxId, caller, (target) =>
    completeByAgent(deps.gateway, target, { contextId, body }),
  );

/** None of the code runs, so there is no execution. */
export const validateCode = (
  deps: ContextsDeps,
  { sandboxId, body }: { readonly sandboxId: SandboxId; readonly body: ValidateRequest },
  caller: Caller,
): Promise<Validation> =>
  withAgent(deps, sandboxId, caller, (target) => validateByAgent(deps.gateway, target, body));

const idFrom = (digest: Digest, sandboxId: SandboxId, key: string): ContextId =>
  ContextId.parse(`cx${digest.sha256(`${sandboxId} ${key}`).slice(0, 20)}`);
