/**
 * A subscription: which connection wants the events of which execution, or of all executions of a
 * sandbox, and how far it is. Its row is all that the functions know of each other's readers.
 *
 * How a subscription meets a relay. All rows of a sandbox lie in one partition, so that one query
 * tells a relay both who watches its execution and who watches its sandbox. Most executions have no
 * reader here and must not pay for those that do: a sandbox that nobody ever watched is not marked
 * `watched`, and its relays look for readers only from the second second on. A relay that has not
 * looked yet ends its execution on condition that the mark is still absent. So of a subscription
 * that comes in the middle
 *
 *   subscribe:  row put ──── mark set ──── execution read again
 *   relay:                 │ finish before the mark: the execution reads as ended, `socket` replays it
 *                          │ finish after it: refused; finished without the condition, then one
 *                          │ last look finds the row, since that was there before the mark
 *
 * one of the two always delivers; both may, and readers drop doubles by seq.
 *
 * Who sends. While an execution runs, its relay alone (`mode: push`), but for answers to `more`
 * (`mode: pull`), which `socket` takes from the log. A row that changes hands gets a new `version`:
 * what was written for an older one is void.
 */
import type { ExecutionId, SandboxId, TenantId } from '../../contract/ids.ts';
import type { Delivery } from '../../contract/socket/to-server.ts';

export interface SubscriptionKey {
  readonly sandboxId: SandboxId;
  readonly target: ExecutionId | SandboxId;
  readonly connectionId: string;
}

export interface Subscription extends SubscriptionKey {
  readonly tenantId: TenantId;
  readonly delivery: Delivery;
  readonly version: string;
  readonly mode: 'push' | 'pull';
  /** Pushing goes on from the event after this one. */
  readonly after: number;
  /** Seq of the last ack; `after` of the subscribe until there is one. */
  readonly acked: number;
  /** Of what lies between the two, where a relay left it to the next. */
  readonly owedBytes?: number;
  /** The message of that ack, to be named where it was wrong. */
  readonly ackId?: string;
}

export interface SubscriptionStore {
  /** Whatever was there is replaced; then the sandbox is marked as watched. */
  put(subscription: Subscription): Promise<void>;
  /** Where there is none yet; of several at once, one stays. */
  admit(subscription: Subscription): Promise<void>;
  get(key: SubscriptionKey): Promise<Subscription | undefined>;
  /** Those of a sandbox, and those of a connection; the latter may be a moment old. */
  keys(
    sandboxId: SandboxId,
    connectionId: string,
  ): Promise<{ ofSandbox: SubscriptionKey[]; ofConnection: SubscriptionKey[] }>;
  /** Of the execution and of its sandbox, as they are now. */
  watching(sandboxId: SandboxId, executionId: ExecutionId): Promise<Subscription[]>;
  /** False when there is none, or one with a later ack. */
  acknowledge(key: SubscriptionKey, seq: number, ackId: string): Promise<boolean>;
  /** False when there is none of this version. */
  update(
    subscription: Pick<Subscription, keyof SubscriptionKey | 'version'>,
    change: Partial<Pick<Subscription, 'mode' | 'after' | 'acked' | 'owedBytes'>>,
  ): Promise<boolean>;
  /** Gives it to whoever pushes, from `after` on. False when there is none. */
  resume(
    key: SubscriptionKey,
    to: { version: string; after: number; acked: number },
  ): Promise<boolean>;
  /** Of any version, unless one is given. */
  remove(key: SubscriptionKey, version?: string): Promise<void>;
}
