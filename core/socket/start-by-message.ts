/**
 * `execution.start`: `socket` hands it to a relay, which starts the execution itself and is the one
 * that then relays it. It answers the client too, since only it knows what came of it. A message
 * may reach two relays, or be sent again over another connection: its id is an idempotency key,
 * unless it names one, which is then the same as in the header of a REST request.
 */
import { AppError } from '../../contract/errors.ts';
import type { SandboxId } from '../../contract/ids.ts';
import type { ExecuteBody } from '../../contract/rest/executions.ts';
import type { Delivery } from '../../contract/socket/to-server.ts';
import type { Allowances } from '../account/allowances.ts';
import type { Caller } from '../account/caller.ts';
import { type IdempotencyStore, requestSha256 } from '../account/idempotency.ts';
import { type StartExecutionDeps, startExecutionOnce } from '../execution/start-execution.ts';
import { type RelayDeps, relayOutput } from '../output/relay-output.ts';
import type { Digest } from '../ports.ts';
import { errorText, startText, unreadableText } from './outbound.ts';
import { post } from './post.ts';
import { type SubscribeDeps, subscribe } from './subscribe.ts';

export interface StartByMessage {
  readonly caller: Caller;
  readonly connectionId: string;
  readonly messageId: string;
  readonly idempotencyKey?: string | undefined;
  readonly sandboxId: SandboxId;
  readonly body: ExecuteBody;
  readonly delivery: Delivery;
}

/** Asks the relay function, and does not wait for it. */
export interface ExecutionStarter {
  start(request: StartByMessage): Promise<void>;
}

export type StartByMessageDeps = StartExecutionDeps &
  RelayDeps &
  SubscribeDeps & {
    readonly idempotency: IdempotencyStore;
    readonly allowances: Pick<Allowances, 'take'>;
    readonly digest: Digest;
  };

/** Resolves when the execution has ended, was handed over, or did not start. */
export async function startByMessage(
  deps: StartByMessageDeps,
  request: StartByMessage,
): Promise<void> {
  const { connectionId, messageId, delivery } = request;
  const started = await start(deps, request);
  if ('refused' in started) {
    const about = { answers: messageId, requestId: messageId };
    await post(deps, connectionId, errorText(deps.clock, started.refused, about));
    return;
  }
  if ('task' in started) {
    await relayOutput(deps, { ...started.task, starter: { connectionId, messageId, delivery } });
    return;
  }
  const { earlier } = started;
  await post(deps, connectionId, startText(deps.clock, earlier, messageId));
  try {
    await subscribe(deps, { executionId: earlier.id, after: 0, delivery }, request);
  } catch (error) {
    // Such as that its output is no longer kept: it was started all the same.
    if (!(error instanceof AppError)) throw error;
    await post(deps, connectionId, unreadableText(deps.clock, earlier.id, error));
  }
}

async function start(deps: StartByMessageDeps, request: StartByMessage) {
  const { caller, messageId, idempotencyKey, sandboxId, body } = request;
  const asked = {
    operation: 'executeCode' as const,
    key: idempotencyKey ?? `socket/${caller.keyId}/${messageId}`,
    bodySha256: requestSha256(deps.digest, { params: { sandboxId }, body }),
  };
  try {
    await deps.allowances.take(caller);
    return await startExecutionOnce(deps, { sandboxId, body, asked }, caller);
  } catch (error) {
    if (error instanceof AppError) {
      return { refused: idempotencyKey === undefined ? refusal(error, messageId) : error };
    }
    throw error;
  }
}

const refusal = (error: AppError, messageId: string): AppError =>
  error.code === 'IDEMPOTENCY_CONFLICT'
    ? new AppError(
        'IDEMPOTENCY_CONFLICT',
        `message: id ${JSON.stringify(messageId)} was used for another execution.start. Repeat that message as it was, or take a new id.`,
        { details: { id: messageId } },
      )
    : error;
