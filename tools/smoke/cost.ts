/**
 * What a run cost, from the counts that a client sees: the task's time and size, and requests. The
 * rest (functions, tables, logs, the network's idle price) is in docs/costs.md.
 */
import type { SandboxInfo } from '../../sdk/typescript/src/index.ts';

/** us-east-1, x86_64, on demand, in US dollars; read on 2026-11-21. */
const PRICE = {
  vcpuHour: 0.04048,
  gbHour: 0.004445,
  restRequest: 3.5 / 1_000_000,
  transition: 0.025 / 1_000,
} as const;
/** Fargate bills a minute at least; a life without extension enters six states. */
const LEAST_SECONDS = 60;
const TRANSITIONS = 6;
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
  const perHour = cpu * PRICE.vcpuHour + (memoryMb / 1024) * PRICE.gbHour;
  const dollars =
    (perHour * seconds) / HOUR_SECONDS +
    requests * PRICE.restRequest +
    TRANSITIONS * PRICE.transition;
  return { seconds, dollars };
}
