/**
 * One trial: a fault at one action of one function while the scenario goes on, then the invariants: output whole, each
 * sandbox ended with a reason, its slot free again, no life left running.
 */

import * as z from 'zod';
import { CodeInterpreter } from '../../sdk/typescript/src/index.ts';
import type { Endpoints } from '../shared/control-port.ts';
import type { Control } from './control.ts';
import { Broken, walk } from './scenario.ts';

export interface Site {
  readonly service: string;
  readonly action: string;
  readonly principal: string;
}

export const FAULTS = {
  refuse: { type: 'refuse' },
  lost: { type: 'lost-answer' },
  cut: { type: 'cut', of: 'response', atByte: 5 },
} as const;
export type FaultName = keyof typeof FAULTS;

export interface Outcome {
  readonly struck: boolean;
  /** Undefined where every invariant held. */
  readonly broken: string | undefined;
  readonly repeats: number;
  readonly seconds: number;
}

const TRIAL_MS = 150_000;
const SETTLE_MS = 3_000;
const STACK = 'code-interpreter';
const Created = z.object({ data: z.object({ apiKey: z.string() }) });

/**
 * Clients of a tenant that may have one live sandbox: a slot that is not given back fails the next create. Each trial
 * has one of its own: a client remembers which ways have failed it, and leaves the WebSocket alone for a while.
 */
export async function newTenant(
  control: Control,
  { baseUrl, websocketUrl }: Endpoints,
): Promise<() => CodeInterpreter> {
  const { payload } = await control.invoke(`${STACK}-account`, {
    action: 'createTenant',
    name: 'verify-faults',
    limits: { liveSandboxes: 1, requestsPerSecond: 1000 },
  });
  const { apiKey } = Created.parse(payload).data;
  return () => new CodeInterpreter({ baseUrl, apiKey, websocketUrl });
}

export async function tryFault(
  { control, newClient }: { control: Control; newClient: () => CodeInterpreter },
  { service, action, principal }: Site,
  fault: FaultName,
): Promise<Outcome> {
  const begun = performance.now();
  await control.fault({ service, action, function: principal, times: 1, fault: FAULTS[fault] });
  const client = newClient();
  let repeats = 0;
  let broken: string | undefined;
  try {
    const signal = AbortSignal.timeout(TRIAL_MS);
    const walked = await within(signal, walk(client));
    repeats = walked.repeats;
    await within(signal, expectEnded(control, client, walked.sandbox.id));
  } catch (error) {
    broken = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } finally {
    client.close();
  }
  const struck = await hasStruck(control);
  await control.clearFaults();
  return { struck, broken, repeats, seconds: (performance.now() - begun) / 1000 };
}

async function expectEnded(control: Control, client: CodeInterpreter, id: string): Promise<void> {
  for (;;) {
    const { info } = await client.getSandbox(id);
    if (info.status === 'stopped') {
      if (info.endReason !== 'terminated') throw new Broken(`it ended as ${info.endReason}`);
      break;
    }
    await pause();
  }
  // Of a tenant with one slot: what else lives would have been made by a fault.
  for await (const { id: other } of client.listSandboxes()) {
    // The list may be half a second behind.
    const { status } = (await client.getSandbox(other)).info;
    if (status !== 'stopped' && status !== 'failed') throw new Broken(`${other} is left ${status}`);
  }
  while ((await control.runningLives()).includes(id)) await pause();
}

/** Some calls come only after the end: a pool is refilled when the task has stopped. */
async function hasStruck(control: Control): Promise<boolean> {
  const until = performance.now() + SETTLE_MS;
  while ((await control.strikes()) === 0) {
    if (performance.now() > until) return false;
    await pause();
  }
  return true;
}

async function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    const tell = () => reject(new Broken(`not over after ${TRIAL_MS / 1000} s`));
    signal.addEventListener('abort', tell, { once: true });
  });
  return Promise.race([work, late]);
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
