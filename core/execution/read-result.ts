/** Read one result whole, which its readers may have got by reference. */
import { AppError } from '../../contract/errors.ts';
import type { ExecutionId } from '../../contract/ids.ts';
import type { WholeResult } from '../../contract/rest/executions.ts';
import type { Caller } from '../account/caller.ts';
import { LogExpired, LogReader, type LogReaderDeps } from '../output/log-reader.ts';
import { ownedBy } from './execution.ts';
import type { ExecutionStore } from './execution-store.ts';

export async function readResult(
  deps: LogReaderDeps & { readonly executions: Pick<ExecutionStore, 'get'> },
  { executionId, seq }: { readonly executionId: ExecutionId; readonly seq: number },
  caller: Caller,
): Promise<WholeResult> {
  const record = ownedBy(await deps.executions.get(executionId), caller.tenantId, executionId);
  const [event] = await pageFrom(deps, executionId, seq);
  if (!event && seq <= record.lastSeq) throw expired(executionId, seq);
  if (event?.type !== 'result')
    throw new AppError('NOT_FOUND', `Event ${seq} of ${executionId} is no result.`, {
      details: { executionId, seq },
    });
  const { main, displayId, data = {} } = event;
  return { main, ...(displayId === undefined ? {} : { displayId }), data };
}

async function pageFrom(deps: LogReaderDeps, id: ExecutionId, seq: number) {
  try {
    return await new LogReader(deps, id, seq - 1, { whole: true }).next(true);
  } catch (error) {
    if (error instanceof LogExpired) throw expired(id, seq);
    throw error;
  }
}

const expired = (executionId: ExecutionId, seq: number): AppError =>
  new AppError('CURSOR_EXPIRED', `Event ${seq} of ${executionId} is no longer kept.`, {
    details: { executionId, seq },
  });
