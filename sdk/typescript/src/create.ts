/**
 * Making a sandbox: one, whatever is lost on the way, and waited for until it runs. A call that
 * throws leaves none behind that it knows of.
 */
import type * as z from 'zod/mini';
import type {
  CreateSandboxBody,
  Sandbox as SandboxInfo,
} from '../../../contract/rest/sandboxes.ts';
import { CodeInterpreterError } from './errors.ts';
import type { Api } from './transport/http.ts';
import { call, callWithCapacityWait } from './transport/retry.ts';
import { sleep, within } from './transport/timing.ts';

/** How long to wait for a sandbox to run. */
export interface WaitOptions {
  /**
   * A sandbox of a warm pool runs at once; one that has to be launched takes up to a minute or two.
   *
   * @default 120_000
   */
  waitMs?: number;
  /** Hears of each change, the status at the beginning included. */
  onStatus?: (info: SandboxInfo) => unknown;
  /** Ends the waiting. */
  signal?: AbortSignal;
}

/** What a sandbox is made from, and how it is waited for. */
export interface CreateSandboxOptions extends z.input<typeof CreateSandboxBody>, WaitOptions {
  /**
   * False answers as soon as the sandbox is there, be it `creating` still, and asks once where no
   * machine is free: {@link Sandbox.waitUntilRunning} waits.
   *
   * @default true
   */
  wait?: boolean;
  /**
   * Under the same key the same sandbox is answered for 24 h, so that a repeat makes no second one.
   *
   * @default a key of this call's own
   */
  idempotencyKey?: string;
}

const DEFAULT_WAIT_MS = 120_000;

/** @internal */
export async function create(api: Api, options: CreateSandboxOptions): Promise<SandboxInfo> {
  const { waitMs = DEFAULT_WAIT_MS, onStatus, signal, wait = true, ...rest } = options;
  const { idempotencyKey = crypto.randomUUID(), ...body } = rest;
  const until = performance.now() + waitMs;
  const info = await callWithCapacityWait(api, { body, signal, idempotencyKey }, wait ? waitMs : 0);
  if (!wait) {
    await onStatus?.(info);
    return info;
  }
  try {
    return await untilRunning(api, info, { until, onStatus, signal });
  } catch (error) {
    // Under a key of the caller's own it is not ours to end: who repeats the key finds it again.
    if (options.idempotencyKey === undefined) await abandon(api, info.id);
    throw error;
  }
}

/**
 * @throws {CodeInterpreterError} `SANDBOX_GONE`, `DEADLINE_EXCEEDED`
 * @internal
 */
export function waitUntilRunning(
  api: Api,
  info: SandboxInfo,
  { waitMs = DEFAULT_WAIT_MS, onStatus, signal }: WaitOptions,
): Promise<SandboxInfo> {
  return untilRunning(api, info, { until: performance.now() + waitMs, onStatus, signal });
}

interface Waiting {
  /** By `performance.now`. */
  readonly until: number;
  readonly onStatus: ((info: SandboxInfo) => unknown) | undefined;
  readonly signal: AbortSignal | undefined;
}

async function untilRunning(
  api: Api,
  first: SandboxInfo,
  { until, onStatus, signal }: Waiting,
): Promise<SandboxInfo> {
  let info = first;
  let told: string | undefined;
  for (let looks = 0; ; looks += 1) {
    if (info.status !== told) await onStatus?.(info);
    told = info.status;
    if (info.status === 'running' || info.status === 'executing') return info;
    if (info.status !== 'creating') throw ended(info);
    const leftMs = until - performance.now();
    if (leftMs <= 0) throw tooLate(info);
    await sleep(Math.min(leftMs, pauseMs(api, looks)), signal);
    info = await call(api, 'getSandbox', { params: { sandboxId: info.id }, signal });
  }
}

/** Grows, and differs between clients, which may all have begun at once. */
function pauseMs({ timing }: Api, looks: number): number {
  const { baseMs, capMs } = timing.statusPoll;
  return Math.min(capMs, baseMs * 1.5 ** looks) * (0.5 + Math.random() / 2);
}

function ended({ id, status, endReason }: SandboxInfo): CodeInterpreterError {
  return new CodeInterpreterError(
    'SANDBOX_GONE',
    `The sandbox ${id} never ran: it is ${status}${endReason ? ` (${endReason})` : ''}. Make another one.`,
    { details: { sandboxId: id, status, endReason } },
  );
}

function tooLate({ id, status, estimatedReadyAt }: SandboxInfo): CodeInterpreterError {
  const estimate = estimatedReadyAt === undefined ? '' : `, expected to run at ${estimatedReadyAt}`;
  return new CodeInterpreterError(
    'DEADLINE_EXCEEDED',
    `The sandbox ${id} is still ${status}${estimate}. Pass a longer \`waitMs\`.`,
    { retryable: true, details: { sandboxId: id, status, estimatedReadyAt } },
  );
}

/** Its caller has no handle on it. Should this fail too, it ends at its expiry. */
async function abandon(api: Api, sandboxId: string): Promise<void> {
  const ending = call(api, 'terminateSandbox', { params: { sandboxId } }).catch(() => undefined);
  await within(ending, api.timing.interruptMs);
}
