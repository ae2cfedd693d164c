/** Who calls: what the authorizer found behind the key, with the limits of its tenant. */
import type { KeyId, TenantId } from '../../contract/ids.ts';
import type { Role } from '../../contract/rest/operation.ts';

export interface CallerLimits {
  /** Sandboxes of the tenant at a time. */
  readonly liveSandboxes: number;
  /** Of each key. */
  readonly requestsPerSecond: number;
}

export interface Caller {
  readonly tenantId: TenantId;
  readonly keyId: KeyId;
  readonly role: Role;
  readonly limits: CallerLimits;
  /** While the deployment is paused. */
  readonly pausedAt?: string | undefined;
}
