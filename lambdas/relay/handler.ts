/**
 * `relay`: takes an execution's log over when its relay is gone or hands over, and starts the
 * executions that were asked for on the WebSocket. Invoked asynchronously.
 */
import * as z from 'zod/mini';
import { ExecutionId, KeyId, SandboxId, TenantId } from '../../contract/ids.ts';
import { ExecuteBody } from '../../contract/rest/executions.ts';
import { ROLES } from '../../contract/rest/operation.ts';
import { Delivery } from '../../contract/socket/to-server.ts';
import { takeOver } from '../../core/output/take-over.ts';
import { ExecutionPlaces } from '../../core/socket/places.ts';
import { startByMessage } from '../../core/socket/start-by-message.ts';
import { parseEnv } from '../shared/env.ts';
import { relayDeps } from '../shared/relay-deps.ts';
import { digest } from '../shared/system.ts';
import { logError, logInfo } from '../shared/telemetry.ts';
import { RelayEnv } from './env.ts';

const relay = relayDeps(parseEnv(RelayEnv));
const deps = { ...relay, digest, places: new ExecutionPlaces(relay.executions) };

const Request = z.union([
  z.object({ executionId: ExecutionId, epoch: z.int(), hop: z.int() }),
  z.object({
    start: z.object({
      caller: z.object({
        tenantId: TenantId,
        keyId: KeyId,
        role: z.enum(ROLES),
        limits: z.object({ liveSandboxes: z.int(), requestsPerSecond: z.int() }),
      }),
      connectionId: z.string(),
      messageId: z.string(),
      idempotencyKey: z.optional(z.string()),
      sandboxId: SandboxId,
      body: ExecuteBody,
      delivery: Delivery,
    }),
  }),
]);

export async function handler(event: unknown): Promise<void> {
  const request = Request.parse(event);
  if ('start' in request) {
    const { sandboxId, messageId } = request.start;
    // Never thrown: what fails goes to a queue with its event, and this one holds a caller's code.
    await startByMessage(deps, request.start).catch((error: unknown) =>
      logError('execution.start failed', error, { sandboxId, messageId }),
    );
    return;
  }
  logInfo('relay ended', { ...request, ...(await takeOver(deps, request)) });
}
