/**
 * The ports that no entity owns. Time, chance, hashing, the fleet and the way to an agent come in
 * here, so that the domain stays pure and its tests need no clock and no network.
 */
import type {
  ContextId,
  DownloadId,
  ExecutionId,
  KeyId,
  LaunchId,
  SandboxId,
  TenantId,
  UploadId,
} from '../contract/ids.ts';
import type { NetworkAccess } from '../contract/rest/sandboxes.ts';

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
  context(): ContextId;
  tenant(): TenantId;
  key(): KeyId;
  launch(): LaunchId;
  upload(): UploadId;
  download(): DownloadId;
  /** 32 random bytes as 64 hex characters. */
  token(): string;
  /** The secret of an API key. */
  apiKey(): string;
  /** The secret of a ticket. */
  ticket(): string;
  /** A random name, for whoever holds a lease and for what is kept once. */
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

/** What a task is launched as. */
export interface LaunchSpec {
  /** In vCPU. */
  readonly cpu: number;
  readonly memoryMb: number;
  readonly diskGb: number;
  readonly network: NetworkAccess;
}

/** A task as the fleet tells of it. */
export interface RunningTask {
  readonly taskArn: string;
  /** Who asked for it; undefined for a task that somebody else started. */
  readonly launchId: LaunchId | undefined;
  /** Milliseconds since the epoch. */
  readonly createdMs: number;
}

/** There is no room for a task at the moment: the same launch may succeed later. */
export class NoCapacity extends Error {
  override readonly name = 'NoCapacity';
}

/** Compute: tasks that can be launched and stopped. `fargate` is one backend, not the only one. */
export interface SandboxFleet {
  /**
   * Repeating a launch with the same id starts nothing new.
   * @throws {NoCapacity} when there is none at the moment
   */
  launch(launchId: LaunchId, spec: LaunchSpec): Promise<FleetTask>;
  /** A task that is already gone is success. */
  stop(taskArn: string, reason: string): Promise<void>;
  /** Every task that runs or is about to. */
  list(): Promise<RunningTask[]>;
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

/** A call whose bytes come from an object, or go to one, by presigned URL: they do not pass through us. */
export interface AgentTransfer extends Omit<AgentBytesCall, 'bytes' | 'body'> {
  readonly source?: { readonly url: string; readonly from: number; readonly to: number };
  readonly sink?: PresignedPut & { readonly sizeBytes: number };
}

export interface PresignedPut {
  readonly url: string;
  /** To be sent as they are: the URL is signed with them. */
  readonly headers: Readonly<Record<string, string>>;
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

/** Where an agent listens, and by which network it is reached. */
export interface AgentAddress {
  /** Private IPv4. */
  readonly host: string;
  readonly network: NetworkAccess;
}

/** The one way to an agent: through the bridge into its network. */
export interface AgentGateway {
  call(address: AgentAddress, call: AgentCall): Promise<AgentAnswer>;
  stream(address: AgentAddress, call: AgentCall, signal: AbortSignal): Promise<AgentStream>;
}

/** What a lifecycle begins with: a task that was claimed, a launch, or what a dead function left. */
export type LifecycleStart = 'claimed' | 'launch' | 'repair';

/** What a step of a lifecycle that waits is told. */
export type StepAnswer = { readonly end: true } | { readonly seconds: number };

/** The lives of sandboxes: one durable process for each, from its creation to its end. */
export interface Lifecycle {
  /** `exists` when this sandbox has had one. */
  start(request: {
    sandboxId: SandboxId;
    start: LifecycleStart;
    expiresAt: string;
  }): Promise<'started' | 'exists'>;
  /** Ends a step's wait. One that waits no longer is success: another was first. */
  complete(token: string, answer: StepAnswer): Promise<void>;
  /** Fails a step that waits; the same as {@link complete} otherwise. */
  fail(token: string, error: 'LaunchFailed' | 'NoCapacity', cause: string): Promise<void>;
}

/** What the outside is told of. */
export interface DomainEvent {
  readonly id: string;
  readonly type: 'SandboxTerminated';
  readonly at: string;
  readonly detail: Readonly<Record<string, string>>;
}

export interface EventBus {
  /** Whoever listens may get an event twice. */
  publish(event: DomainEvent): Promise<void>;
}

/** The same way, for bytes. Throws {@link AgentUnreachable} when the answer is cut. */
export interface AgentBytes {
  exchange(address: AgentAddress, call: AgentBytesCall): Promise<AgentBytesAnswer>;
}

/** The same way, past us. `object` is the status of the object's store: refused, or for a sink, stored. */
export interface AgentTransfers {
  transfer(
    address: AgentAddress,
    call: AgentTransfer,
  ): Promise<AgentBytesAnswer | { object: number }>;
}

/** No answer, or half of one: refused, late, reset, cut. The same call may be repeated. */
export class AgentUnreachable extends Error {
  override readonly name = 'AgentUnreachable';
}

/** The clients of the WebSocket, by the id of their connection. */
export interface Connections {
  /**
   * One message of at most 32 KB. `gone`: the client will never be there again. Throws when it is
   * not known whether it was sent; it may be sent again.
   */
  post(connectionId: string, message: string): Promise<'sent' | 'gone'>;
}
