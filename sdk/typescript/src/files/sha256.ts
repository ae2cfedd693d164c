/**
 * SHA-256 of bytes as they come: the platform's own digest wants all of them at once, and a file may be
 * larger than memory. In Node its own is used, which is ten times as fast.
 */
import type * as Crypto from 'node:crypto';
import { builtin, isNode } from '../config.ts';

export interface Hash {
  update(bytes: Uint8Array): unknown;
  /** 64 hex characters; nothing may follow. */
  hex(): string;
}

export async function sha256(): Promise<Hash> {
  if (!isNode()) return new Sha256();
  const hash = (await builtin<typeof Crypto>('node:crypto')).createHash('sha256');
  return { update: (bytes) => hash.update(bytes), hex: () => hash.digest('hex') };
}

const BLOCK = 64;

/** Roots of the first primes, as FIPS 180-4 defines them. */
const PRIMES = Array.from({ length: 312 }, (_, n) => n).filter(
  (n) => n > 1 && !Array.from({ length: n }, (_, d) => d).some((d) => d > 1 && n % d === 0),
);
const fraction = (root: number) => ((root - Math.floor(root)) * 2 ** 32) | 0;
const ROUNDS = Int32Array.from(PRIMES.slice(0, 64), (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

const turn = (value: number, by: number) => (value >>> by) | (value << (32 - by));

export class Sha256 implements Hash {
  readonly #state = START.slice();
  readonly #words = new Int32Array(64);
  readonly #rest = new Uint8Array(BLOCK);
  #restBytes = 0;
  #sizeBytes = 0;

  update(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.length;
    let at = 0;
    if (this.#restBytes > 0) {
      at = Math.min(BLOCK - this.#restBytes, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#restBytes);
      this.#restBytes += at;
      if (this.#restBytes < BLOCK) return;
      this.#block(this.#rest, 0);
    }
    for (; at + BLOCK <= bytes.length; at += BLOCK) this.#block(bytes, at);
    this.#rest.set(bytes.subarray(at));
    this.#restBytes = bytes.length - at;
  }

  hex(): string {
    const sizeBytes = this.#sizeBytes;
    // A one, zeros, and the size in bits at the end of a block.
    const length = BLOCK - ((sizeBytes + 8) % BLOCK) + 8;
    const padding = new Uint8Array(length);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(length - 8, Math.floor(sizeBytes / 2 ** 29));
    view.setUint32(length - 4, (sizeBytes * 8) % 2 ** 32);
    this.update(padding);
    return [...this.#state].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  #block(bytes: Uint8Array, at: number): void {
    const words = this.#words;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, BLOCK);
    for (let n = 0; n < 16; n++) words[n] = view.getInt32(4 * n);
    for (let n = 16; n < 64; n++) {
      const [a = 0, b = 0, c = 0, d = 0] = [
        words[n - 15],
        words[n - 2],
        words[n - 16],
        words[n - 7],
      ];
      const low = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3);
      const high = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10);
      words[n] = (c + low + d + high) | 0;
    }
    this.#mix(words);
  }

  #mix(words: Int32Array): void {
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = this.#state;
    for (let n = 0; n < 64; n++) {
      const high = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
      const one = (h + high + ((e & f) ^ (~e & g)) + (ROUNDS[n] ?? 0) + (words[n] ?? 0)) | 0;
      const low = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
      const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    const mixed = [a, b, c, d, e, f, g, h];
    for (const [n, word] of mixed.entries()) this.#state[n] = ((this.#state[n] ?? 0) + word) | 0;
  }
}
