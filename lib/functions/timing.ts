/**
 * Every time that the functions take from their environment, so that a test can drive each in
 * seconds. What a caller can see of them is in the contract's limits.
 */
import { LIMITS } from '../../contract/limits.ts';
import type { DeployConfig } from '../deploy-config.ts';

export const LEASE = { LEASE_MS: '15000' } as const;
/** A minute before Lambda's own end. */
export const RELAY_LIFE = { RELAY_LIFE_MS: '840000' } as const;
export const READERS = {
  JSON_WAIT_MS: '25000',
  LONG_POLL_MS: String(LIMITS.longPollMs),
  SSE_LIFE_MS: '120000',
} as const;
export const KEY_MEMORY = { KEY_REMEMBERED_MS: '10000' } as const;
/** Who was let in before a pause is remembered for 10 s, and their creation lasts at most 29 s. */
export const PAUSE = { PAUSE_SETTLES_MS: '40000' } as const;
/** A cold start on Fargate takes 30 to 60 s, most of it the image's pull. */
export const launchEstimate = ({ profile }: DeployConfig) => ({
  LAUNCH_ESTIMATE_MS: profile === 'local' ? '1000' : '45000',
});
export const TRANSFER_LEASE = { TRANSFER_LEASE_MS: '30000' } as const;
/** Within the 29 s of a buffered answer. */
export const TRANSFER_WAIT = { TRANSFER_WAIT_MS: '20000' } as const;
