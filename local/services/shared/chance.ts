/**
 * Chance from one seed, so that a run can be repeated. Each part of the world draws from a stream of its own: how
 * often one of them asks changes nothing for the others.
 */
import { hash } from 'node:crypto';

export class Chance {
  readonly #seed: string;
  #state: number;

  constructor(seed: number | string) {
    this.#seed = String(seed);
    this.#state = Number.parseInt(hash('sha256', this.#seed).slice(0, 8), 16);
  }

  /** A stream of its own, the same one for the same seed and name. */
  of(name: string): Chance {
    return new Chance(`${this.#seed}/${name}`);
  }

  /** At least 0, below 1. */
  next(): number {
    // Mulberry32: small, quick, and even enough for delays.
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }
}
