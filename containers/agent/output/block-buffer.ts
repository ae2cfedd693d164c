/**
 * Gathers the bytes of one stream into blocks. Where a block ends depends on the bytes alone, never
 * on how they were cut on the way here. Must never hold more than a block and what one read brought.
 */
import { BLOCK_BYTES, incompleteTail, type Piece, piecesOf } from './pieces.ts';

export class BlockBuffer {
  #held: Buffer = Buffer.alloc(0);

  get sizeBytes(): number {
    return this.#held.length;
  }

  /** A line is complete: nothing is gained by waiting for more. */
  get endsLine(): boolean {
    return this.#held.at(-1) === 0x0a;
  }

  /** Answers the pieces of the blocks that are full now. */
  push(bytes: Buffer): Piece[] {
    const pieces: Piece[] = [];
    let rest = bytes;
    while (this.#held.length + rest.length >= BLOCK_BYTES) {
      const needed = BLOCK_BYTES - this.#held.length;
      const head = rest.subarray(0, needed);
      this.#held = this.#held.length === 0 ? head : Buffer.concat([this.#held, head]);
      rest = rest.subarray(needed);
      pieces.push(...this.#takeBlock(BLOCK_BYTES));
    }
    // Copied: the memory of what came is its giver's.
    if (rest.length > 0) this.#held = Buffer.concat([this.#held, rest]);
    return pieces;
  }

  /** All that is complete; the first bytes of a character stay. */
  flush(): Piece[] {
    return this.#takeBlock(this.#held.length);
  }

  /** All of it: no more bytes will come. */
  end(): Piece[] {
    const pieces = piecesOf(this.#held);
    this.#held = Buffer.alloc(0);
    return pieces;
  }

  #takeBlock(length: number): Piece[] {
    const block = this.#held.subarray(0, length);
    const size = length - incompleteTail(block);
    this.#held = Buffer.from(this.#held.subarray(size));
    return piecesOf(block.subarray(0, size));
  }
}
