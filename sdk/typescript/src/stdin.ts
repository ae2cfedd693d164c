/** What code reads while it runs: numbers what is written, and sends it in order, one at a time. */
import type { StdinPart } from '../../../contract/agent/protocol.ts';

/**
 * The stdin of an execution that was started with `keepStdinOpen`, by {@link Sandbox.stdin}.
 *
 * After a `ConnectionError` it is not known whether the text has come: write the same text again. It
 * has its number still, and is read once.
 *
 * @example
 * ```ts
 * for await (const event of sandbox.run('print("hello", input())', { keepStdinOpen: true })) {
 *   if (event.type === 'started') await sandbox.stdin(event.executionId).write('world\n');
 *   if (event.type === 'stdout') console.log(event.text);
 * }
 * ```
 */
export class Stdin {
  readonly #sendPart: (part: StdinPart) => Promise<unknown>;
  #nextSeq: number;
  #last: Promise<void> = Promise.resolve();

  /** @internal */
  constructor(sendPart: (part: StdinPart) => Promise<unknown>, nextSeq = 1) {
    this.#sendPart = sendPart;
    this.#nextSeq = nextSeq;
  }

  /**
   * Writes at most 1 MiB, after all that was written before; waits where the code is far behind.
   *
   * @throws {@link CodeInterpreterError} `INVALID_SANDBOX_STATE` once the code has ended, or the
   *   stdin has
   */
  write(text: string): Promise<void> {
    return this.#send({ text });
  }

  /** The code meets the end once it has read all, and the last `text` with it. */
  close(text = ''): Promise<void> {
    return this.#send({ text, close: true });
  }

  /** What waits behind one that fails, fails too: it would take its number. */
  #send(part: Omit<StdinPart, 'seq'>): Promise<void> {
    const sent = this.#last.then(async () => {
      await this.#sendPart({ seq: this.#nextSeq, ...part });
      this.#nextSeq += 1;
    });
    this.#last = sent;
    sent.catch(() => {
      if (this.#last === sent) this.#last = Promise.resolve();
    });
    return sent;
  }
}
