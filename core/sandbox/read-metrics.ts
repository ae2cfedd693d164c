/** What a sandbox uses: its agent keeps the last hour, so this is one request to it. */
import { type ResourceSample, SampleList } from '../../contract/agent/metrics.ts';
import type { SandboxId } from '../../contract/ids.ts';
import type { Caller } from '../account/caller.ts';
import { callAgent, readAgentJson } from '../agent/agent.ts';
import { type SandboxAgentDeps, withAgent } from '../agent/with-agent.ts';
import type { AgentGateway } from '../ports.ts';

/** An agent's clock may be ahead of ours. */
const CLOCKS_APART_MS = 60_000;

export interface ReadMetricsInput {
  readonly sandboxId: SandboxId;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export const readMetrics = (
  deps: SandboxAgentDeps & { readonly gateway: AgentGateway },
  { sandboxId, from, to }: ReadMetricsInput,
  caller: Caller,
): Promise<{ items: ResourceSample[] }> =>
  withAgent(deps, sandboxId, caller, async (target) => {
    const { clock, gateway } = deps;
    const fromMs = from === undefined ? 0 : clock.msOf(from);
    const toMs = to === undefined ? clock.nowMs() + CLOCKS_APART_MS : clock.msOf(to);
    const path = `/metrics?fromMs=${Math.max(0, fromMs)}&toMs=${Math.max(0, toMs)}`;
    return readAgentJson(
      SampleList,
      await callAgent(gateway, target, { method: 'GET', path, headTimeoutMs: 5_000 }),
    );
  });
