/** `executions`: runs code and serves its events. Every method is STREAM. */
import { Readable } from 'node:stream';
import { AppError } from '../../contract/errors.ts';
import { ownedBy } from '../../core/execution/execution.ts';
import { getExecution, readEvents } from '../../core/execution/read-executions.ts';
import { readResult } from '../../core/execution/read-result.ts';
import { followLog } from '../../core/output/follow-log.ts';
import { parseEnv } from '../shared/env.ts';
import type { RestRequest } from '../shared/rest-request.ts';
import { streamFunction } from '../shared/stream-function.ts';
import { wantsStream } from './answer-kind.ts';
import { ExecutionsEnv } from './env.ts';
import { executeCode } from './execute-code.ts';
import { runOnce } from './run-once.ts';
import { serverSentEvents } from './sse.ts';
import { wire } from './wire.ts';

const env = parseEnv(ExecutionsEnv);
const deps = wire(env);

export const handler = streamFunction(
  { allowedOrigin: env.ALLOWED_ORIGIN },
  {
    executeCode: (request, background) => executeCode(deps, request, background),
    runOnce: (request, background) => runOnce(deps, request, background),
    getExecution: async ({ params, caller }) => ({
      status: 200,
      data: await getExecution(deps, params.executionId, caller),
    }),
    readResult: async ({ params, caller }) => ({
      status: 200,
      data: await readResult(deps, params, caller),
    }),
    readEvents: async (request) => {
      const { executionId } = request.params;
      const after = lastEventId(request) ?? request.query.after ?? 0;
      if (!wantsStream(request)) {
        const waitMs = Math.min(request.query.waitMs ?? 0, deps.longPollMs);
        return {
          status: 200,
          data: await readEvents(deps, executionId, { after, waitMs }, request.caller),
        };
      }
      const record = await deps.executions.get(executionId);
      const execution = ownedBy(record, request.caller.tenantId, executionId);
      const pages = followLog(deps, {
        execution,
        after,
        untilMs: deps.clock.nowMs() + deps.sseLifeMs,
      });
      return { stream: Readable.from(serverSentEvents(pages, deps.clock)) };
    },
  },
);

function lastEventId(request: RestRequest<'readEvents'>): number | undefined {
  const value = request.header('last-event-id');
  if (value === undefined) return undefined;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new AppError(
    'VALIDATION_ERROR',
    `header: Last-Event-ID must be a whole number, got ${JSON.stringify(value.slice(0, 80))}`,
    {
      details: {
        in: 'header',
        problems: [{ field: 'Last-Event-ID', problem: 'must be a whole number' }],
      },
    },
  );
}
