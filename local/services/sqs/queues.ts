/**
 * Queues as far as this machine needs them: AWS's own services put into them what they gave up, and
 * an operator looks. Held in memory, the last of many; nothing is received or deleted by API.
 */
export interface QueuedMessage {
  readonly sentAt: string;
  readonly body: unknown;
}

export interface QueueState {
  readonly name: string;
  readonly arn: string;
  /** Ever sent; more than are kept, perhaps. */
  readonly sent: number;
  /** Oldest first. */
  readonly messages: readonly QueuedMessage[];
}

const KEPT_MESSAGES = 1_000;

export class Queues {
  readonly #queues = new Map<string, { name: string; sent: number; messages: QueuedMessage[] }>();

  create(name: string, arn: string): void {
    this.#queues.set(arn, { name, sent: 0, messages: [] });
  }

  /** Throws where there is no such queue: on AWS its sender would lose the message silently. */
  send(arn: string, body: unknown): void {
    const queue = this.#queues.get(arn);
    if (queue === undefined) throw new Error(`there is no queue ${arn}`);
    queue.sent += 1;
    queue.messages.push({ sentAt: new Date().toISOString(), body });
    if (queue.messages.length > KEPT_MESSAGES) queue.messages.shift();
  }

  list(): readonly QueueState[] {
    return [...this.#queues].map(([arn, { name, sent, messages }]) => ({
      name,
      arn,
      sent,
      messages: [...messages],
    }));
  }
}
