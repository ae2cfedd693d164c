/** What a reader was sent and has not acknowledged. */
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
