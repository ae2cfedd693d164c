/** `relay`: takes an execution's log over when its relay is gone or hands over. Invoked asynchronously. */
import * as z from 'zod/mini';
import { ExecutionId } from '../../contract/ids.ts';
import { takeOver } from '../../core/output/take-over.ts';
import { parseEnv } from '../shared/env.ts';
import { relayDeps } from '../shared/relay-deps.ts';
import { logInfo } from '../shared/telemetry.ts';
import { RelayEnv } from './env.ts';

const deps = relayDeps(parseEnv(RelayEnv));

const Request = z.object({ executionId: ExecutionId, epoch: z.int(), hop: z.int() });

export async function handler(event: unknown): Promise<void> {
  const request = Request.parse(event);
  const end = await takeOver(deps, request);
  logInfo('relay ended', { ...request, end });
}
