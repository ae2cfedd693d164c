/** Tenants: who owns sandboxes and keys, with limits of their own where an operator set some. */
import { AppError } from '../../contract/errors.ts';
import type { TenantId } from '../../contract/ids.ts';
import type { Tenant as WireTenant } from '../../contract/rest/account.ts';
import type { CallerLimits } from './caller.ts';

export interface Tenant {
  readonly id: TenantId;
  readonly name: string;
  readonly createdAt: string;
  /** Where it differs from the deployment's. */
  readonly limits: Partial<CallerLimits>;
}

export const toTenant = ({ id, name, createdAt, limits }: Tenant): WireTenant => ({
  id,
  name,
  createdAt,
  limits,
});

export const tenantNotFound = (tenantId: TenantId): AppError =>
  new AppError('NOT_FOUND', `There is no tenant ${tenantId}.`, { details: { tenantId } });
