/**
 * The readers of one execution while its relay runs: finds them, gives each what comes, and leaves
 * them to the next relay or to the end. `push` only takes note: the relay waits for no reader.
 */
import type { Measured } from '../../contract/agent/metrics.ts';
import type { Event } from '../../contract/events.ts';
import type { Delivery } from '../../contract/socket/to-server.ts';
import type { ExecutionRecord } from '../execution/execution.ts';
import type { LogReaderDeps } from '../output/log-reader.ts';
import { Feed } from './feed.ts';
import { type EndedExecution, Reader, type ReaderDeps, type ReaderOptions } from './reader.ts';
import { ResourceNews } from './resource-news.ts';
import type { Subscription } from './subscription.ts';

export type AudienceDeps = ReaderDeps & LogReaderDeps;

/** The connection that asked for the execution. */
export interface Starter {
  readonly connectionId: string;
  readonly delivery: Delivery;
  readonly messageId: string;
}

export interface AudienceTask {
  readonly execution: ExecutionRecord;
  /** Seq of the last event in the log. */
  readonly after: number;
  /** Somebody has watched this sandbox, or may have. */
  readonly watched: boolean;
  readonly starter?: Starter;
}

const LOOK_MS = 1_000;
/** While an ack would let a reader go on. */
const QUICK_LOOK_MS = 200;
/** As many as are looked at: a tenant's connections are limited near this. */
const MAX_READERS = 512;
/** How long an ended execution waits for readers that lag; then they come for the rest. */
const LINGER_MS = 30_000;
const LAST_LOOK_TRIES = 3;

export class Audience {
  readonly #deps: AudienceDeps;
  readonly #task: AudienceTask;
  readonly #feed: Feed;
  readonly #readers = new Map<string, Reader>();
  readonly #stop = new AbortController();
  readonly #looking: Promise<void>;
  readonly #resources: ResourceNews;
  #looked: boolean;
  #ended: EndedExecution | undefined;

  constructor(deps: AudienceDeps, task: AudienceTask) {
    this.#deps = deps;
    this.#task = task;
    this.#feed = new Feed(deps, task.execution.id, task.after);
    this.#resources = new ResourceNews(deps, task.execution.sandboxId);
    this.#looked = task.watched;
    this.#feed.keep(task.watched);
    if (task.starter)
      this.#add(this.#ownRow(task.starter), { correlationId: task.starter.messageId });
    this.#looking = this.#keepLooking();
  }

  /** True until it has looked for readers: it may have missed some that came. */
  get blind(): boolean {
    return !this.#looked;
  }

  /** Whether any reader is there. */
  get isEmpty(): boolean {
    return ![...this.#readers.values()].some((reader) => !reader.stopped);
  }

  /** Every event but `finished`, which {@link end} brings once the record says so. */
  push(event: Event): void {
    this.#feed.push(event);
    for (const reader of this.#readers.values()) reader.wake();
  }

  /** Those who watch the whole sandbox hear what it uses. */
  measured(measured: Measured): void {
    this.#resources.tell(measured);
  }

  /**
   * The record says so: readers get the end. Resolves when each has it, or it was left to them.
   * @param look once more for readers that came late
   */
  async end(execution: EndedExecution, finished: Event, look: boolean): Promise<void> {
    this.#feed.push(finished);
    this.#feed.end();
    this.#ended = execution;
    try {
      if (look) await this.#lastLook();
      const lingered = new AbortController();
      const read = Promise.all([...this.#readers.values()].map((reader) => reader.end(execution)));
      await Promise.race([read, this.#deps.clock.sleep(LINGER_MS, lingered.signal)]);
      lingered.abort();
    } finally {
      // Whatever failed: nobody else stops the looking of a relay that has ended.
      await this.#stopLooking();
      await this.#each((reader) => reader.dismiss());
    }
  }

  /** Readers go on at the next relay, each where it is. */
  async handOver(): Promise<void> {
    await this.drop();
    await this.#each((reader) => reader.save());
  }

  /** Another relay serves them. */
  async drop(): Promise<void> {
    await this.#stopLooking();
    await this.#each((reader) => reader.stop());
  }

  async #keepLooking(): Promise<void> {
    if (this.#looked) await this.#look().catch(() => {});
    let lookedMs = this.#deps.clock.nowMs();
    while (!this.#stop.signal.aborted) {
      await this.#deps.clock.sleep(QUICK_LOOK_MS, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      const now = this.#deps.clock.nowMs();
      const eager = [...this.#readers.values()].some((reader) => reader.awaitsAck);
      if (!eager && now - lookedMs < LOOK_MS) continue;
      lookedMs = now;
      // One look that fails is made up for by the next.
      await this.#look().catch(() => {});
    }
  }

  async #stopLooking(): Promise<void> {
    this.#stop.abort();
    await this.#looking;
  }

  async #lastLook(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#look();
      } catch (error) {
        if (tries === LAST_LOOK_TRIES) throw error;
      }
    }
  }

  async #look(): Promise<void> {
    this.#looked = true;
    const before = [...this.#readers].filter(([, reader]) => reader.admitted);
    const { execution } = this.#task;
    const rows = await this.#deps.subscriptions.watching(execution.sandboxId, execution.id);
    const byConnection = new Map<string, Subscription>();
    // A row for the execution says more than one for its sandbox.
    for (const row of rows) {
      if (row.target === execution.id || !byConnection.has(row.connectionId))
        byConnection.set(row.connectionId, row);
    }
    this.#resources.watchers = rows
      .filter((row) => row.target === execution.sandboxId)
      .map((row) => row.connectionId);
    for (const [connectionId, reader] of before) {
      if (!byConnection.has(connectionId)) await reader.stop();
    }
    for (const row of byConnection.values()) this.#take(row);
    this.#feed.keep(this.#readers.size > 0);
  }

  #take(row: Subscription): void {
    const { execution } = this.#task;
    const known = this.#readers.get(row.connectionId);
    const isOwn = row.target === execution.id;
    const anew = isOwn && known?.stopped === true && row.version !== known.version;
    if (known && !anew) {
      if (isOwn) known.refresh(row);
      return;
    }
    if (this.#readers.size >= MAX_READERS && !known) return;
    if (isOwn) this.#add(row);
    else this.#add({ ...row, target: execution.id, mode: 'push', after: 0, acked: 0 }, {});
  }

  #add(subscription: Subscription, announce?: NonNullable<ReaderOptions['announce']>): void {
    const { execution } = this.#task;
    this.#feed.keep(true);
    const reader = new Reader(this.#deps, {
      execution,
      feed: this.#feed,
      subscription,
      ...(announce ? { announce } : {}),
    });
    this.#readers.set(subscription.connectionId, reader);
    if (this.#ended) void reader.end(this.#ended);
  }

  #ownRow({ connectionId, delivery }: Starter): Subscription {
    const { id, sandboxId, tenantId } = this.#task.execution;
    return {
      sandboxId,
      target: id,
      connectionId,
      tenantId,
      delivery,
      version: this.#deps.ids.owner(),
      mode: 'push',
      after: 0,
      acked: 0,
    };
  }

  async #each(work: (reader: Reader) => Promise<void>): Promise<void> {
    await Promise.allSettled([...this.#readers.values()].map(work));
  }
}
