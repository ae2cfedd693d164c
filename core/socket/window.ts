/** What a reader was sent and has not acknowledged. */
import type { Subscription } from './subscription.ts';

export class Window {
  #sent: { readonly seq: number; readonly bytes: number }[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get empty(): boolean {
    return this.#sent.length === 0;
  }

  sent(seq: number, bytes: number): void {
    this.#sent.push({ seq, bytes });
    this.#bytes += bytes;
  }

  /** What another relay sent. */
  owe({ after, acked, owedBytes = 0 }: Pick<Subscription, 'after' | 'acked' | 'owedBytes'>): void {
    if (owedBytes > 0 && acked < after) this.sent(after, owedBytes);
  }

  acknowledge(seq: number): void {
    for (let first = this.#sent[0]; first && first.seq <= seq; first = this.#sent[0]) {
      this.#sent.shift();
      this.#bytes -= first.bytes;
    }
  }

  clear(): void {
    this.#sent = [];
    this.#bytes = 0;
  }
}
