/**
 * Tickets: what a browser connects a WebSocket with, since it can set no header. A caller gets one
 * with their key; it is good for one connection within 60 s, as that key and in its role. Kept by
 * its SHA-256; taking it removes it, so of two that connect at once one gets in.
 */
import type { KeyId, TenantId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { NewTicket } from '../../contract/rest/account.ts';
import type { Role } from '../../contract/rest/operation.ts';
import type { Clock, Digest, Ids } from '../ports.ts';
import { type AuthenticateDeps, callerOfKey } from './authenticate.ts';
import type { Caller } from './caller.ts';

export interface Ticket {
  readonly sha256: string;
  readonly tenantId: TenantId;
  readonly keyId: KeyId;
  readonly role: Role;
  readonly expiresAt: string;
}

export interface TicketStore {
  put(ticket: Ticket): Promise<void>;
  /** Removes and answers it, once; undefined where there is none that is good at `now`. */
  take(sha256: string, now: string): Promise<Ticket | undefined>;
}

export async function createTicket(
  deps: {
    readonly tickets: TicketStore;
    readonly clock: Clock;
    readonly ids: Ids;
    readonly digest: Digest;
    /** What a ticket is for. */
    readonly websocketUrl: string;
  },
  { tenantId, keyId, role }: Caller,
): Promise<NewTicket> {
  const ticket = deps.ids.ticket();
  const sha256 = deps.digest.sha256(ticket);
  const expiresAt = deps.clock.iso(deps.clock.nowMs() + LIMITS.ticketMs);
  await deps.tickets.put({ sha256, tenantId, keyId, role, expiresAt });
  return { ticket, expiresAt, url: deps.websocketUrl };
}

/** Undefined for a ticket that is used, late or unknown, or whose key no longer works. */
export async function redeemTicket(
  deps: AuthenticateDeps & { readonly tickets: TicketStore },
  sha256: string,
): Promise<Caller | undefined> {
  const ticket = await deps.tickets.take(sha256, deps.clock.iso(deps.clock.nowMs()));
  if (!ticket) return undefined;
  const found = await callerOfKey(deps, ticket);
  return found && { ...found.caller, role: ticket.role };
}
