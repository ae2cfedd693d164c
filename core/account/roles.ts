/** The order of roles: each may do what those below it may. */
import { AppError } from '../../contract/errors.ts';
import type { Role } from '../../contract/rest/operation.ts';

const RANK: Readonly<Record<Role, number>> = { viewer: 1, developer: 2, admin: 3, operator: 4 };

const isBelow = (role: Role, other: Role): boolean => RANK[role] < RANK[other];

/** Keys that can make keys: of these a tenant keeps one. */
export const managesKeys = (role: Role): boolean => !isBelow(role, 'admin');

/** @throws {AppError} PERMISSION_DENIED where the caller's role is below what an operation needs */
export function assertRole(role: Role, needs: Role): void {
  if (!isBelow(role, needs)) return;
  throw new AppError('PERMISSION_DENIED', `The role of this key is ${role}; this needs ${needs}.`, {
    details: { role, needs },
  });
}
