/**
 * Watches the raw bytes of a client for a frame over the limit: the WebSocket library knows whole messages only.
 * It reads frame headers and skips payloads; it never holds more than one header.
 */

/** Two bytes, eight of a long length, four of the mask. */
const LONGEST_HEADER = 14;

export class FrameSizes {
  readonly #limitBytes: number;
  readonly #header = Buffer.alloc(LONGEST_HEADER);
  #headerBytes = 0;
  #skip = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Whether a frame over the limit begins in these bytes. What follows such a frame is not read. */
  exceeds(bytes: Buffer): boolean {
    let at = 0;
    while (at < bytes.length) {
      const skipped = Math.min(this.#skip, bytes.length - at);
      this.#skip -= skipped;
      at += skipped;
      if (at === bytes.length) break;
      this.#header[this.#headerBytes] = bytes[at] ?? 0;
      this.#headerBytes += 1;
      at += 1;
      if (this.#headerBytes < this.#headerLength()) continue;
      const length = this.#payloadLength();
      if (length > this.#limitBytes) return true;
      this.#skip = length;
      this.#headerBytes = 0;
    }
    return false;
  }

  #headerLength(): number {
    if (this.#headerBytes < 2) return 2;
    const second = this.#header[1] ?? 0;
    const short = second & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    return 2 + extended + ((second & 0x80) === 0 ? 0 : 4);
  }

  #payloadLength(): number {
    const short = (this.#header[1] ?? 0) & 0x7f;
    if (short === 126) return this.#header.readUInt16BE(2);
    return short === 127 ? Number(this.#header.readBigUInt64BE(2)) : short;
  }
}
