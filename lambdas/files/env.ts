/** What the `files` function reads from its environment. */
import * as z from 'zod/mini';
import { AgentGatewayEnv, HttpEnv, StateTableEnv } from '../shared/env.ts';

export const FilesEnv = z.object({ ...HttpEnv, ...StateTableEnv, ...AgentGatewayEnv });
