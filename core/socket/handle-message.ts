/** What each message of a client does, and what it is answered. */
import type { FromServer } from '../../contract/socket/from-server.ts';
import { TO_SERVER, type ToServer, type ToServerType } from '../../contract/socket/to-server.ts';
import { assertRole } from '../account/roles.ts';
import { type InterruptDeps, interruptExecution } from '../execution/read-executions.ts';
import { type WriteStdinDeps, writeStdin } from '../execution/write-stdin.ts';
import type { ExecutionStarter } from './start-by-message.ts';
import {
  type Asker,
  acknowledge,
  more,
  type SubscribeDeps,
  subscribe,
  unsubscribe,
} from './subscribe.ts';

export interface HandleDeps extends SubscribeDeps, InterruptDeps, WriteStdinDeps {
  readonly executions: SubscribeDeps['executions'] & WriteStdinDeps['executions'];
  readonly starter: ExecutionStarter;
}

type Answer = Pick<FromServer<'ack' | 'system.pong'>, 'type' | 'payload'>;

type Handlers = {
  readonly [T in ToServerType]: (
    deps: HandleDeps,
    payload: ToServer<T>['payload'],
    asker: Asker,
  ) => Promise<Answer | undefined>;
};

const ack = (payload: FromServer<'ack'>['payload']): Answer => ({ type: 'ack', payload });

const HANDLERS: Handlers = {
  'execution.start': async (deps, { sandboxId, delivery, idempotencyKey, ...body }, asker) => {
    // The relay answers: nobody else knows what came of it.
    const once = idempotencyKey === undefined ? {} : { idempotencyKey };
    await deps.starter.start({ ...asker, sandboxId, delivery, body, ...once });
    return undefined;
  },
  'execution.stdin': async (deps, { executionId: id, ...part }, { caller }) =>
    ack(await writeStdin(deps, { id, part }, caller)),
  'execution.interrupt': async (deps, { executionId }, { caller }) => {
    await interruptExecution(deps, executionId, caller);
    return ack({ executionId });
  },
  subscribe: async (deps, wanted, asker) => ack(await subscribe(deps, wanted, asker)),
  unsubscribe: async (deps, wanted, asker) => ack(await unsubscribe(deps, wanted, asker)),
  ack: async (deps, told, asker) => {
    await acknowledge(deps, told, asker);
    return undefined;
  },
  more: async (deps, wanted, asker) => ack(await more(deps, wanted, asker)),
  'system.ping': async () => ({ type: 'system.pong', payload: {} }),
};

/** @throws {AppError} for what the message may not do, or not now */
export async function handleMessage<T extends ToServerType>(
  deps: HandleDeps,
  message: ToServer<T>,
  asker: Asker,
): Promise<Answer | undefined> {
  assertRole(asker.caller.role, TO_SERVER[message.type].role);
  return HANDLERS[message.type](deps, message.payload, asker);
}
