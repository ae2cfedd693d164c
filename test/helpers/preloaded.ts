/** What an agent says of interpreters that have libraries in them before anyone asks. */
import { expect, vi } from 'vitest';
import type { TestAgent } from './agent.ts';

/** For an agent that is to have them as soon as it can. */
export const AHEAD = { AGENT_PRELOAD_QUIET_MS: '0' };

export const said = (agent: TestAgent, message: string) =>
  agent.logLines.filter((line) => line.includes(`"${message}"`));

export const preloaded = (agent: TestAgent, times = 1) =>
  vi.waitFor(
    () => expect(said(agent, 'an interpreter has its libraries ready')).toHaveLength(times),
    { timeout: 20_000, interval: 10 },
  );
