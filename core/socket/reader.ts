/**
 * One connection that a relay pushes an execution's events to, in its own pace: one post at a time,
 * from its own cursor. Never makes anyone wait, and holds no more than it may have unacknowledged.
 *
 *   push: post what follows the cursor · window full and no ack for a second → `more`, pull
 *         · silent 10 s with something unacknowledged → again from the last ack, twice, then pull
 *   pull: nothing, until the row says `push` under a new version
 *   end:  all posted → `execution.complete` → acknowledged, or delivery 0 → done
 */
import { SOCKET_LIMITS } from '../../contract/socket/limits.ts';
import type { ExecutionRecord } from '../execution/execution.ts';
import { LogExpired } from '../output/log-reader.ts';
import { Wake } from '../wake.ts';
import type { Feed } from './feed.ts';
import {
  completeText,
  expiredText,
  fitting,
  heartbeatText,
  moreText,
  type OutboundEvent,
  outputText,
  startText,
  wrongAckText,
} from './outbound.ts';
import { type PostDeps, post } from './post.ts';
import type { Subscription, SubscriptionStore } from './subscription.ts';
import { Window } from './window.ts';

export interface ReaderDeps extends PostDeps {
  readonly subscriptions: SubscriptionStore;
}

export type EndedExecution = Extract<ExecutionRecord, { outcome: string }>;

export interface ReaderOptions {
  readonly execution: Pick<
    ExecutionRecord,
    'id' | 'sandboxId' | 'language' | 'watch' | 'createdAt'
  >;
  readonly feed: Feed;
  readonly subscription: Subscription;
  /** It has not heard that the execution started, and has no row of its own for it. */
  readonly announce?: { readonly correlationId?: string };
}

const RESENDS = 2;
/** How long a full window waits for an ack. */
const ACK_PATIENCE_MS = 1_000;
/** What was there a moment ago is on its way to the log. */
const LOG_LAG_MS = 50;
const FAILURE_PAUSE_MS = 1_000;

export class Reader {
  readonly #deps: ReaderDeps;
  readonly #options: ReaderOptions;
  readonly #wake = new Wake();
  readonly #window = new Window();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #row: Subscription;
  /** Seq of the last event that was posted. */
  #cursor: number;
  #held: readonly OutboundEvent[] = [];
  #admitted: boolean;
  #end: EndedExecution | undefined;
  #completed = false;
  #resends = 0;
  #wrongAck: { readonly seq: number; readonly id: string } | undefined;
  /** When it last acknowledged something, or first had something to acknowledge. */
  #heardMs: number;
  #postedMs: number;

  constructor(deps: ReaderDeps, options: ReaderOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#row = heeded(options.subscription, options.feed.lastSeq);
    this.#cursor = startOf(this.#row);
    this.#admitted = options.announce === undefined;
    this.#heardMs = deps.clock.nowMs();
    this.#postedMs = this.#heardMs;
    this.#window.owe(options.subscription);
    this.#running = this.#run();
  }

  get version(): string {
    return this.#row.version;
  }

  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** False while its row is being written. */
  get admitted(): boolean {
    return this.#admitted;
  }

  /** True while an ack would change what it does next. */
  get awaitsAck(): boolean {
    if (this.stopped || this.#window.empty) return false;
    return this.#completed || this.#window.bytes > SOCKET_LIMITS.unacknowledgedBytes / 2;
  }

  /** Something has come. */
  wake(): void {
    this.#wake.now();
  }

  /** All that there is to read is in the feed. Resolves when it was read, or nobody reads it. */
  async end(execution: EndedExecution): Promise<void> {
    this.#end = execution;
    this.#wake.now();
    await this.#running;
  }

  /** What its row says now. */
  refresh(row: Subscription): void {
    if (row.version !== this.#row.version) {
      this.#row = heeded(row, this.#options.feed.lastSeq);
      this.#rewind(startOf(this.#row));
      this.#resends = 0;
    } else if (row.mode === 'pull') this.#row = row;
    else this.#hear(row);
    this.#wake.now();
  }

  /** Posts nothing more; whoever is next goes on behind what it has posted. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.now();
    await this.#running;
  }

  /** After {@link stop}: the next relay's cursor. */
  async save(): Promise<void> {
    if (this.#row.mode === 'push' && this.#admitted)
      await this.#deps.subscriptions.update(this.#row, {
        after: this.#cursor,
        owedBytes: this.#window.bytes,
      });
  }

  /** The relay ends: the client must come for the rest itself. */
  async dismiss(): Promise<void> {
    if (this.stopped) return;
    await this.stop();
    if (this.#row.mode === 'push' && !this.#completed) await this.#tell('socket');
    await this.#deps.subscriptions.remove(this.#row, this.#row.version);
  }

  async #run(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.#step();
      } catch (error) {
        if (error instanceof LogExpired) {
          await this.#post(expiredText(this.#deps.clock, this.#options.execution.id, this.#cursor));
          await this.#leave();
        } else await this.#deps.clock.sleep(FAILURE_PAUSE_MS, this.#stop.signal);
      }
    }
  }

  async #step(): Promise<void> {
    if (!this.#admitted) return this.#admit();
    if (this.#wrongAck) return this.#refuseAck(this.#wrongAck);
    if (this.#row.mode === 'pull') return this.#end ? this.#leave() : this.#rest();
    if (this.#silentMs() >= SOCKET_LIMITS.silenceMs) return this.#resend();
    const events = await this.#next();
    if (events.length === 0) return this.#idle();
    const batch = fitting(events);
    if (batch.length === 0) return this.#toPull('rest');
    const bytes = batch.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if (this.#window.bytes + bytes > SOCKET_LIMITS.unacknowledgedBytes) return this.#full();
    await this.#push(batch, bytes);
  }

  async #admit(): Promise<void> {
    const { execution, announce } = this.#options;
    await this.#deps.subscriptions.admit(this.#row);
    await this.#post(startText(this.#deps.clock, execution, announce?.correlationId));
    this.#admitted = true;
  }

  async #next(): Promise<readonly OutboundEvent[]> {
    if (this.#held[0]?.seq === this.#cursor + 1) return this.#held;
    const row = this.#row;
    const events = await this.#options.feed.after(this.#cursor);
    if (row !== this.#row && row.version !== this.#row.version) return [];
    this.#held = events;
    return events;
  }

  async #push(batch: readonly OutboundEvent[], bytes: number): Promise<void> {
    const { version, delivery } = this.#row;
    const sent = await this.#post(outputText(this.#deps.clock, this.#options.execution, batch));
    // It may have begun anew meanwhile.
    if (!sent || version !== this.#row.version) return;
    const last = batch.at(-1)?.seq ?? this.#cursor;
    this.#held = this.#held.slice(batch.length);
    this.#cursor = Math.max(this.#cursor, last);
    if (delivery === 0 || last <= this.#row.acked) return;
    if (this.#window.empty) this.#heardMs = this.#deps.clock.nowMs();
    this.#window.sent(last, bytes);
  }

  /** Nothing to post: it has read all, or it waits for what comes. */
  async #idle(): Promise<void> {
    const { feed, execution } = this.#options;
    const { clock } = this.#deps;
    if (this.#cursor < feed.lastSeq) return this.#wake.within(LOG_LAG_MS, clock);
    if (this.#end && !this.#completed) {
      this.#completed = await this.#post(completeText(clock, execution.id, this.#end));
      return;
    }
    if (this.#end && this.#window.empty) return this.#leave();
    const now = clock.nowMs();
    const ackDueMs = this.#window.empty
      ? Number.POSITIVE_INFINITY
      : this.#heardMs + SOCKET_LIMITS.silenceMs;
    const heartbeatMs = this.#end
      ? Number.POSITIVE_INFINITY
      : this.#postedMs + SOCKET_LIMITS.heartbeatMs;
    if (heartbeatMs <= now) await this.#post(heartbeatText(clock, execution.id, this.#cursor));
    else await this.#wake.within(Math.min(ackDueMs, heartbeatMs) - now, clock);
  }

  async #full(): Promise<void> {
    const patienceMs = ACK_PATIENCE_MS - (this.#deps.clock.nowMs() - this.#postedMs);
    if (patienceMs <= 0) return this.#toPull('socket');
    await this.#wake.within(patienceMs, this.#deps.clock);
  }

  /** In pull mode the row tells when to go on. */
  #rest(): Promise<void> {
    return this.#wake.within(SOCKET_LIMITS.heartbeatMs, this.#deps.clock);
  }

  #resend(): Promise<void> | undefined {
    this.#rewind(this.#row.acked);
    this.#resends += 1;
    return this.#resends > RESENDS ? this.#toPull('socket') : undefined;
  }

  /** The row first: an answer to `more` must find it so, and void this. */
  async #toPull(via: 'socket' | 'rest'): Promise<void> {
    const { version } = this.#row;
    const ours = await this.#deps.subscriptions.update(this.#row, { mode: 'pull' });
    if (version !== this.#row.version) return;
    this.#row = { ...this.#row, mode: 'pull' };
    this.#held = [];
    if (ours) await this.#tell(via);
  }

  async #tell(via: 'socket' | 'rest'): Promise<void> {
    const { execution } = this.#options;
    await this.#post(moreText(this.#deps.clock, execution.id, this.#cursor, via));
  }

  /** It has all up to there, wherever it got it. */
  #hear({ acked, ackId }: Subscription): void {
    if (acked <= this.#row.acked) return;
    if (acked > Math.max(this.#cursor, this.#options.feed.lastSeq)) {
      this.#wrongAck = { seq: acked, id: ackId ?? '' };
      return;
    }
    this.#row = { ...this.#row, acked };
    this.#cursor = Math.max(this.#cursor, acked);
    this.#window.acknowledge(acked);
    this.#heardMs = this.#deps.clock.nowMs();
    this.#resends = 0;
  }

  async #refuseAck(wrong: { seq: number; id: string }): Promise<void> {
    const { execution } = this.#options;
    this.#wrongAck = undefined;
    await this.#deps.subscriptions.update(this.#row, { acked: this.#row.acked });
    await this.#post(
      wrongAckText(this.#deps.clock, execution.id, wrong, this.#options.feed.lastSeq),
    );
  }

  #silentMs(): number {
    return this.#window.empty ? 0 : this.#deps.clock.nowMs() - this.#heardMs;
  }

  #rewind(after: number): void {
    this.#cursor = after;
    this.#held = [];
    this.#window.clear();
    this.#completed = false;
  }

  /** It has all, or nothing more can come: its row is not needed any longer. */
  async #leave(): Promise<void> {
    this.#stop.abort();
    await this.#deps.subscriptions.remove(this.#row, this.#row.version).catch(() => {});
  }

  /** False when it was not sent; a reader that cannot be reached is left to come back by itself. */
  async #post(message: string): Promise<boolean> {
    const { connectionId, version } = this.#row;
    const answer = await post(this.#deps, connectionId, message, this.#stop.signal);
    this.#postedMs = this.#deps.clock.nowMs();
    if (answer === 'gone') this.#stop.abort();
    if (answer === 'lost' && !this.stopped && version === this.#row.version) {
      await this.#deps.subscriptions.update(this.#row, { mode: 'pull' });
      this.#row = { ...this.#row, mode: 'pull' };
    }
    return answer === 'sent';
  }
}

/**
 * An ack that reaches further than all that this relay knows of may be of events that a relay before it has posted and
 * not written, or of none at all: as if it had not come, and the next look at the row judges it.
 */
const heeded = (row: Subscription, lastSeq: number): Subscription =>
  row.acked > Math.max(row.after, lastSeq) ? { ...row, acked: row.after } : row;

/** An ack reaches further than the cursor of a relay that ended without saving it. */
const startOf = ({ after, acked }: Subscription): number => Math.max(after, acked);
