/** Subscriptions and clients of the WebSocket in memory, with the same conditions as the real ones. */
import type { Connections } from '../../core/ports.ts';
import type {
  Subscription,
  SubscriptionKey,
  SubscriptionStore,
} from '../../core/socket/subscription.ts';

const nameOf = ({ target, connectionId }: SubscriptionKey) => `${target} ${connectionId}`;

export class MemorySubscriptions implements SubscriptionStore {
  readonly rows = new Map<string, Subscription>();
  readonly #onWatched: () => void;
  readonly #wait: () => Promise<void>;

  /** @param wait before each of the two writes of a subscribe */
  constructor(onWatched: () => void = () => {}, wait: () => Promise<void> = async () => {}) {
    this.#onWatched = onWatched;
    this.#wait = wait;
  }

  put = async (row: Subscription) => {
    await this.#wait();
    this.rows.set(nameOf(row), row);
    await this.#wait();
    this.#onWatched();
  };

  admit = async (row: Subscription) => {
    if (!this.rows.has(nameOf(row))) this.rows.set(nameOf(row), row);
  };

  get = async (key: SubscriptionKey) => this.rows.get(nameOf(key));

  keys: SubscriptionStore['keys'] = async (sandboxId, connectionId) => {
    const rows = [...this.rows.values()];
    return {
      ofSandbox: rows.filter((row) => row.sandboxId === sandboxId),
      ofConnection: rows.filter((row) => row.connectionId === connectionId),
    };
  };

  watching: SubscriptionStore['watching'] = async (sandboxId, executionId) => {
    return [...this.rows.values()].filter(
      (row) =>
        row.sandboxId === sandboxId && (row.target === sandboxId || row.target === executionId),
    );
  };

  acknowledge: SubscriptionStore['acknowledge'] = async (key, acked, ackId) => {
    const row = this.rows.get(nameOf(key));
    if (!row || row.acked >= acked) return false;
    this.rows.set(nameOf(key), { ...row, acked, ackId });
    return true;
  };

  update: SubscriptionStore['update'] = async (key, change) => {
    const row = this.rows.get(nameOf(key));
    if (row?.version !== key.version) return false;
    this.rows.set(nameOf(key), { ...row, ...change });
    return true;
  };

  resume: SubscriptionStore['resume'] = async (key, to) => {
    const row = this.rows.get(nameOf(key));
    if (!row) return false;
    this.rows.set(nameOf(key), { ...row, ...to, mode: 'push' });
    return true;
  };

  remove = async (key: SubscriptionKey, version?: string) => {
    const row = this.rows.get(nameOf(key));
    if (row && (version === undefined || row.version === version)) this.rows.delete(nameOf(key));
  };

  removeConnection(connectionId: string): void {
    for (const [name, row] of this.rows)
      if (row.connectionId === connectionId) this.rows.delete(name);
  }
}

/** What a connection does with a message: may take its time, fail or be gone. */
export type Receive = (text: string) => Promise<'sent' | 'gone'>;

export class MemoryConnections implements Connections {
  readonly clients = new Map<string, Receive>();

  async post(connectionId: string, text: string): Promise<'sent' | 'gone'> {
    const receive = this.clients.get(connectionId);
    return receive ? receive(text) : 'gone';
  }
}
