/** A client against the fake API whose waits are a test's, not a network's. */
import { createApi } from '../../sdk/typescript/src/client.ts';
import type { ClientOptions } from '../../sdk/typescript/src/config.ts';
import { Sandbox } from '../../sdk/typescript/src/sandbox.ts';
import type { Api } from '../../sdk/typescript/src/transport/http.ts';
import { call } from '../../sdk/typescript/src/transport/retry.ts';
import { TIMING, type Timing } from '../../sdk/typescript/src/transport/timing.ts';
import type { FakeApi } from './fake-api.ts';

export const QUICK: Timing = {
  ...TIMING,
  longPollMs: 200,
  interruptMs: 2_000,
  socketIdleMs: 50,
  ackMs: 10,
  statusPoll: { baseMs: 2, capMs: 10 },
  backoff: { baseMs: 1, capMs: 4 },
};

export interface QuickClient {
  readonly api: Api;
  readonly sandbox: Sandbox;
}

export async function quickSandbox(
  fake: FakeApi,
  timing: Partial<Timing> = {},
  options: ClientOptions = {},
): Promise<QuickClient> {
  const api = createApi({ ...fake.options, ...options }, { ...QUICK, ...timing });
  const info = await call(api, 'getSandbox', { params: { sandboxId: fake.addSandbox() } });
  return { api, sandbox: new Sandbox(api, info) };
}
