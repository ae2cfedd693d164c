/** Who calls: what the authorizer found behind the key. */
import type { KeyId, TenantId } from '../../contract/ids.ts';
import type { Role } from '../../contract/rest/operation.ts';

export interface Caller {
  readonly tenantId: TenantId;
  readonly keyId: KeyId;
  readonly role: Role;
}
