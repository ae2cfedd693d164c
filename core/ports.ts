/**
 * The ports that no entity owns. Time, chance, hashing, the fleet and the way to an agent come in
 * here, so that the domain stays pure and its tests need no clock and no network.
 */
import type { ExecutionId, KeyId, LaunchId, SandboxId, TenantId } from '../contract/ids.ts';

export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** ISO 8601 in UTC, of an instant in milliseconds. Such strings sort by time. */
  iso(ms: number): string;
  /** Milliseconds of an ISO instant. */
  msOf(iso: string): number;
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Ids {
  sandbox(): SandboxId;
  execution(): ExecutionId;
  tenant(): TenantId;
  key(): KeyId;
  launch(): LaunchId;
  /** 32 random bytes as 64 hex characters. */
  token(): string;
  /** The secret of an API key. */
  apiKey(): string;
  /** The secret of a ticket. */
  ticket(): string;
  /** A name for whoever holds a lease. */
  owner(): string;
  /** A copy in random order. */
  shuffle<T>(items: readonly T[]): T[];
  /** A random share of `maxMs`: full jitter. */
  jitter(maxMs: number): number;
}

export interface Digest {
  /** 64 hex characters. */
  sha256(text: string): string;
}

export interface FleetTask {
  readonly taskArn: string;
}

/** Compute: tasks that can be launched and stopped. `fargate` is one backend, not the only one. */
export interface SandboxFleet {
  /** Repeating a launch with the same id starts nothing new. Throws when there is no capacity. */
  launch(launchId: LaunchId): Promise<FleetTask>;
  /** A task that is already gone is success. */
  stop(taskArn: string, reason: string): Promise<void>;
  /** Throws when the fleet does not answer. */
  check(): Promise<void>;
}

export interface AgentCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly headTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
}

/** A call whose body or answer is bytes. */
export interface AgentBytesCall extends AgentCall {
  /** In place of `body`. */
  readonly bytes?: Uint8Array;
  /** Of HTTP, in lower case: what a file's read or write depends on. */
  readonly headers?: Readonly<Partial<Record<'range' | 'if-match' | 'if-none-match', string>>>;
  /** An answer of more is not one of ours. */
  readonly maxAnswerBytes: number;
}

export interface AgentBytesAnswer {
  readonly status: number;
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
}

export interface AgentAnswer {
  readonly status: number;
  /** The body as text, bounded. */
  readonly body: string;
}

export interface AgentStream {
  readonly status: number;
  /** Lines of the body. Throws {@link AgentUnreachable} when the stream is cut. */
  readonly lines: AsyncIterable<string>;
}

/** The one way to an agent: through the bridge into the sandboxes' network. */
export interface AgentGateway {
  call(address: string, call: AgentCall): Promise<AgentAnswer>;
  stream(address: string, call: AgentCall, signal: AbortSignal): Promise<AgentStream>;
}

/** The same way, for bytes. Throws {@link AgentUnreachable} when the answer is cut. */
export interface AgentBytes {
  exchange(address: string, call: AgentBytesCall): Promise<AgentBytesAnswer>;
}

/** No answer, or half of one: refused, late, reset, cut. The same call may be repeated. */
export class AgentUnreachable extends Error {
  override readonly name = 'AgentUnreachable';
}
