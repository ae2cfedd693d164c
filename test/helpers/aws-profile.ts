/** How the stand-ins of this run behave: `npm test -- --aws-profile aws --seed 7` for delays, throttles and doubles. */
import * as z from 'zod/mini';
import { AWS_PROFILES, type ProfileOptions } from '../../local/services/profile.ts';

const Environment = z.object({
  AWS_PROFILE_OF_STAND_INS: z._default(z.enum(AWS_PROFILES), 'fast'),
  SEED_OF_STAND_INS: z._default(z.coerce.number().check(z.int(), z.nonnegative()), 1),
});

const { AWS_PROFILE_OF_STAND_INS: profile, SEED_OF_STAND_INS: seed } = Environment.parse(
  process.env,
);

/** Of a second, not of thirty: a suite launches some fifty tasks. */
export const awsProfile: ProfileOptions = { profile, seed, taskBootMs: 1_000 };
