/**
 * Names and ids that CloudFormation would invent. All are derived from stack and logical id,
 * so that a restart finds the tables, buckets and objects of the last run again.
 */
import { createHash } from 'node:crypto';

export interface ResourceAddress {
  readonly stackName: string;
  readonly logicalId: string;
}

function digest({ stackName, logicalId }: ResourceAddress): string {
  return createHash('sha256').update(`${stackName}/${logicalId}`).digest('hex');
}

/** `stack-LogicalId-1A2B3C4D5E6F`, cut in the middle to the limit of its service. */
export function physicalName(
  address: ResourceAddress,
  { maxLength = 64, lowercase = false }: { maxLength?: number; lowercase?: boolean } = {},
): string {
  const suffix = digest(address).slice(0, 12).toUpperCase();
  const readable = `${address.stackName}-${address.logicalId}`.slice(0, maxLength - 13);
  const name = `${readable.replace(/-+$/, '')}-${suffix}`;
  return lowercase ? name.toLowerCase() : name;
}

/** An id such as `subnet-0f3a…`: the prefix and 17 hex characters. */
export function resourceId(prefix: string, address: ResourceAddress): string {
  return `${prefix}-0${digest(address).slice(0, 16)}`;
}

/** Lower-case letters and digits, as API Gateway's ids are. */
export function shortId(address: ResourceAddress, salt = ''): string {
  const hex = createHash('sha256')
    .update(`${digest(address)}${salt}`)
    .digest('hex');
  return BigInt(`0x${hex}`).toString(36).slice(0, 10);
}

/** A UUID-shaped id, as KMS keys have. */
export function uuidOf(address: ResourceAddress): string {
  const hex = digest(address);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-');
}
