/** What the `relay` function reads from its environment. */
import * as z from 'zod/mini';
import { RelayingEnv } from '../shared/env.ts';

export const RelayEnv = z.object(RelayingEnv);
