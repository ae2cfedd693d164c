/** What the `authorizer` function reads from its environment. */
import * as z from 'zod/mini';
import { CallerLimitsEnv, KeyMemoryEnv, StateTableEnv } from '../shared/env.ts';

export const AuthorizerEnv = z.object({ ...StateTableEnv, ...CallerLimitsEnv, ...KeyMemoryEnv });
