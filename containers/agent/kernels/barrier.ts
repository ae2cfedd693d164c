/**
 * The mark that a driver writes on fd 1 and 2 before each frame: RS, the execution's random barrier,
 * the frame's number in hex, RS. Finds marks in bytes that were cut anywhere. Pure.
 */
export const BARRIER_CHARS = 32;
const NUMBER_CHARS = 8;
const RS = 0x1e;
export const MARK_BYTES = 1 + BARRIER_CHARS + NUMBER_CHARS + 1;

export type LanePart =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'mark'; readonly number: number };

export function markOf(barrier: string, number: number): Buffer {
  const hex = number.toString(16).padStart(NUMBER_CHARS, '0');
  return Buffer.from(`\x1e${barrier}${hex}\x1e`, 'latin1');
}

/** One stream's search. Keeps back only bytes that may be the beginning of a mark. */
export class MarkScanner {
  readonly #prefix: Buffer;
  #tail: Buffer = Buffer.alloc(0);

  constructor(barrier: string) {
    this.#prefix = Buffer.from(`\x1e${barrier}`, 'latin1');
  }

  push(chunk: Buffer): LanePart[] {
    const bytes = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    this.#tail = Buffer.alloc(0);
    const parts: LanePart[] = [];
    let from = 0;
    let search = 0;
    for (;;) {
      const at = bytes.indexOf(this.#prefix, search);
      if (at < 0 || at + MARK_BYTES > bytes.length) {
        const keep = at < 0 ? this.#possibleStart(bytes, search) : at;
        if (keep > from) parts.push({ kind: 'bytes', bytes: bytes.subarray(from, keep) });
        this.#tail = Buffer.from(bytes.subarray(keep));
        return parts;
      }
      const number = this.#numberAt(bytes, at);
      if (number === undefined) {
        search = at + 1;
        continue;
      }
      if (at > from) parts.push({ kind: 'bytes', bytes: bytes.subarray(from, at) });
      parts.push({ kind: 'mark', number });
      from = at + MARK_BYTES;
      search = from;
    }
  }

  /** What was kept back: it was no mark after all. */
  end(): Buffer {
    const tail = this.#tail;
    this.#tail = Buffer.alloc(0);
    return tail;
  }

  #numberAt(bytes: Buffer, at: number): number | undefined {
    if (bytes[at + MARK_BYTES - 1] !== RS) return undefined;
    const start = at + this.#prefix.length;
    const hex = bytes.toString('latin1', start, start + NUMBER_CHARS);
    return /^[0-9a-f]{8}$/.test(hex) ? Number.parseInt(hex, 16) : undefined;
  }

  /** Where the first possible, still incomplete prefix begins; the length of `bytes` if nowhere. */
  #possibleStart(bytes: Buffer, search: number): number {
    const first = Math.max(search, bytes.length - this.#prefix.length + 1);
    for (let at = bytes.indexOf(RS, first); at >= 0; at = bytes.indexOf(RS, at + 1)) {
      const rest = bytes.subarray(at);
      if (rest.equals(this.#prefix.subarray(0, rest.length))) return at;
    }
    return bytes.length;
  }
}
