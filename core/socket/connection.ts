/**
 * A connection of the WebSocket: whose it is. The authorizer's word for each message comes with the
 * message; the row is there to be counted and to be cleaned up.
 */
import type { KeyId, TenantId } from '../../contract/ids.ts';
import type { Role } from '../../contract/rest/operation.ts';

export interface Connection {
  readonly id: string;
  readonly tenantId: TenantId;
  readonly keyId: KeyId;
  readonly role: Role;
  readonly connectedAt: string;
}

export interface ConnectionStore {
  put(connection: Connection): Promise<void>;
  /** As an index has it: near enough for a limit. */
  countOf(tenantId: TenantId): Promise<number>;
  /** The connection and all its subscriptions; one that is gone already is success. */
  remove(connectionId: string): Promise<void>;
  /** So with all connections of a key: its relays find nobody to push to. */
  removeOfKey(tenantId: TenantId, keyId: KeyId): Promise<void>;
}
