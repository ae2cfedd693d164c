/**
 * The authorizer speaks once, when a connection opens. A key that is revoked or ends later is refused with its next
 * message, and what it had subscribed to ends. A subscription outlives the message, so none is made on a key that is
 * only remembered.
 */
import { AppError } from '../../contract/errors.ts';
import type { KeyId, TenantId } from '../../contract/ids.ts';
import { type AuthenticateDeps, callerOfKey } from '../account/authenticate.ts';
import type { Caller } from '../account/caller.ts';
import { KnownCallers } from '../account/known-callers.ts';
import type { ConnectionStore } from './connection.ts';

export interface StandingDeps extends Omit<AuthenticateDeps, 'limits'> {
  readonly sockets: Pick<ConnectionStore, 'remove'>;
}

/** Its limits were told when it connected. */
const NO_LIMITS = { liveSandboxes: 0, requestsPerSecond: 0 };

/** Keys that stand, remembered so long. */
export function standingKeys(deps: StandingDeps, rememberMs: number): KnownCallers {
  return new KnownCallers({
    clock: deps.clock,
    rememberMs,
    find: (id) => {
      const [tenantId, keyId] = id.split('/') as [TenantId, KeyId];
      return callerOfKey({ ...deps, limits: NO_LIMITS }, { tenantId, keyId });
    },
  });
}

/** @throws {AppError} UNAUTHENTICATED when the connection's key no longer works */
export async function assertStanding(
  deps: StandingDeps & { readonly keys: KnownCallers },
  connectionId: string,
  { caller: { tenantId, keyId }, anew }: { caller: Caller; anew: boolean },
): Promise<void> {
  const id = `${tenantId}/${keyId}`;
  if (anew) deps.keys.forget(id);
  if (await deps.keys.get(id)) return;
  await deps.sockets.remove(connectionId);
  throw new AppError(
    'UNAUTHENTICATED',
    'The key of this connection was revoked or has expired. Connect again with one that works.',
  );
}
