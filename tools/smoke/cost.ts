/**
 * What a run cost, from the counts that a client sees: the task's time and size, and requests. The
 * rest (functions, tables, logs, the network's idle price) is in docs/costs.md.
 */
import { PRICES } from '../../bench/costs/prices.ts';
import type { SandboxInfo } from '../../sdk/typescript/src/index.ts';

/** Fargate bills a minute at least; a life that is launched, then terminated, enters five states, one from a pool fewer. */
const LEAST_SECONDS = 60;
const TRANSITIONS_AT_MOST = 5;
const HOUR_SECONDS = 3_600;

export function costOf(
  {
    createdAt,
    stoppedAt,
    resources: { cpu, memoryMb },
  }: Pick<SandboxInfo, 'createdAt' | 'stoppedAt' | 'resources'>,
  requests: number,
): { seconds: number; dollars: number } {
  const livedMs = stoppedAt === undefined ? 0 : Date.parse(stoppedAt) - Date.parse(createdAt);
  const seconds = Math.max(LEAST_SECONDS, livedMs / 1000);
  const perHour = cpu * PRICES.fargateVcpuHour.usd + (memoryMb / 1024) * PRICES.fargateGbHour.usd;
  const dollars =
    (perHour * seconds) / HOUR_SECONDS +
    requests * PRICES.restRequest.usd +
    TRANSITIONS_AT_MOST * PRICES.transition.usd;
  return { seconds, dollars };
}
