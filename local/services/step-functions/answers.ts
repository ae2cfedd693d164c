/** How executions look in the API's answers: instants are seconds since 1970. Pure. */
import type { HistoryEvent } from './interpreter/history.ts';
import type { ExecutionRecord } from './interpreter/record.ts';

/** Where the API's own default stands for 0. */
const pageLength = 100;

export function describeExecution(record: ExecutionRecord): Record<string, unknown> {
  const { input, output, error, cause } = record;
  return {
    ...summarizeExecution(record),
    input,
    inputDetails: { included: true },
    ...(output === undefined ? {} : { output, outputDetails: { included: true } }),
    ...(error === undefined ? {} : { error }),
    ...(cause === undefined ? {} : { cause }),
  };
}

export function summarizeExecution(record: ExecutionRecord): Record<string, unknown> {
  const { executionArn, stateMachineArn, name, status, startedAtMs, stoppedAtMs } = record;
  return {
    executionArn,
    stateMachineArn,
    name,
    status,
    startDate: startedAtMs / 1000,
    ...(stoppedAtMs === undefined ? {} : { stopDate: stoppedAtMs / 1000 }),
    redriveCount: 0,
  };
}

const dataFields = new Set(['input', 'output', 'parameters', 'error', 'cause']);

/** Without what the execution was given and gave. */
export function withoutData(event: HistoryEvent): Record<string, unknown> {
  const fields = Object.entries(event).map(([name, value]) => {
    if (typeof value !== 'object' || value === null) return [name, value] as const;
    const kept = Object.entries(value).filter(([field]) => !dataFields.has(field));
    return [name, Object.fromEntries(kept)] as const;
  });
  return Object.fromEntries(fields);
}

export function pageOf<T>(
  items: readonly T[],
  { maxResults, nextToken }: { maxResults: number; nextToken?: string | undefined },
): { page: readonly T[]; next: { nextToken?: string } } {
  const start = Number(nextToken ?? 0);
  const page = items.slice(start, start + (maxResults === 0 ? pageLength : maxResults));
  const end = start + page.length;
  return { page, next: end < items.length ? { nextToken: String(end) } : {} };
}
