/** The messages of the E2B process service, as JSON. What we do not know of them is ignored, as that wire says. */
import * as z from 'zod/mini';
import { UserEnv } from '../../../contract/agent/protocol.ts';
import { LIMITS } from '../../../contract/limits.ts';

const noNul = z.string().check(z.regex(/^[^\0]*$/, 'must not contain NUL'));
const Text = (most: number) => noNul.check(z.maxLength(most));
/** More is more than the system gives to one program. */
const MAX_ARGS = 1_024;
const MAX_TAG = 256;

const Bytes = z.pipe(
  z.string().check(z.regex(/^[A-Za-z0-9+/_-]*={0,2}$/, 'must be base64')),
  z.transform((text: string) => Buffer.from(text, 'base64')),
);

const Selector = z.union(
  [z.object({ pid: z.int().check(z.positive()) }), z.object({ tag: Text(MAX_TAG) })],
  { error: 'must name a process by pid or tag' },
);

const side = z.int().check(z.minimum(1), z.maximum(4_096));
const Pty = z.object({ size: z.object({ cols: side, rows: side }) });

export const StartRequest = z.object({
  process: z.object({
    cmd: Text(LIMITS.pathBytes).check(z.minLength(1, 'must not be empty')),
    args: z._default(z.array(Text(LIMITS.codeBytes)).check(z.maxLength(MAX_ARGS)), []),
    envs: z._default(UserEnv, {}),
    cwd: z.optional(Text(LIMITS.pathBytes)),
  }),
  pty: z.optional(Pty),
  tag: z.optional(Text(MAX_TAG)),
  stdin: z._default(z.boolean(), true),
});
export type StartRequest = z.infer<typeof StartRequest>;

export const ConnectRequest = z.object({ process: Selector });
export const UpdateRequest = z.object({ process: Selector, pty: z.optional(Pty) });
export const CloseStdinRequest = z.object({ process: Selector });
export const ListRequest = z.object({});

export const SendInputRequest = z.object({
  process: Selector,
  input: z.union([z.object({ stdin: Bytes }), z.object({ pty: Bytes })], {
    error: 'must hold bytes as stdin or pty',
  }),
});

export const SIGNALS = { SIGNAL_SIGTERM: 'SIGTERM', SIGNAL_SIGKILL: 'SIGKILL' } as const;
export const SendSignalRequest = z.object({
  process: Selector,
  signal: z.enum(Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]),
});
