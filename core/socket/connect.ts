/** A client comes: its tenant may have so many connections at a time. */
import { AppError } from '../../contract/errors.ts';
import { SOCKET_LIMITS } from '../../contract/socket/limits.ts';
import type { Caller } from '../account/caller.ts';
import type { Clock } from '../ports.ts';
import type { ConnectionStore } from './connection.ts';

/** @throws {AppError} RESOURCE_LIMIT_ERROR */
export async function connect(
  deps: { readonly sockets: ConnectionStore; readonly clock: Clock },
  id: string,
  { tenantId, keyId, role }: Caller,
): Promise<void> {
  const allowed = SOCKET_LIMITS.connectionsPerTenant;
  const open = await deps.sockets.countOf(tenantId);
  if (open >= allowed) {
    throw new AppError(
      'RESOURCE_LIMIT_ERROR',
      `This tenant has ${open} WebSocket connections, ${allowed} are allowed. Close one first.`,
      { details: { limit: 'connections', value: open, allowed }, retryAfterSeconds: 10 },
    );
  }
  const connectedAt = deps.clock.iso(deps.clock.nowMs());
  await deps.sockets.put({ id, tenantId, keyId, role, connectedAt });
}
