/** What the `account` function reads from its environment. */
import * as z from 'zod/mini';
import { HttpEnv, StateTableEnv } from '../shared/env.ts';

export const AccountEnv = z.object({
  ...StateTableEnv,
  ...HttpEnv,
  /** What clients connect to; a path is one of this API's own host. */
  WEBSOCKET_URL: z.string(),
});
