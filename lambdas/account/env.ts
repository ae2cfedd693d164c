/** What the `account` function reads from its environment. */
import * as z from 'zod/mini';
import { HttpEnv, StateTableEnv } from '../shared/env.ts';

export const AccountEnv = z.object({ ...StateTableEnv, ...HttpEnv });
