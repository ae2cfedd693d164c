/**
 * The door of the one route that takes a body from whoever has no token, user code included. Must
 * never hold more than one such body, nor a large one, nor parse one of many parts.
 */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { readJson } from './body.ts';

/** A byte of env may be escaped as \u0000; the rest is ids and hashes. */
const BOUNDS = { bytes: 6 * LIMITS.envBytes + 8 * 1024, parts: 1_024 } as const;

export class InitGate {
  #reading = false;

  async read(request: IncomingMessage): Promise<unknown> {
    if (this.#reading)
      throw new AppError('RATE_LIMITED', 'another init is being read: send it again', {
        retryAfterSeconds: 1,
      });
    this.#reading = true;
    try {
      return await readJson(request, BOUNDS);
    } finally {
      this.#reading = false;
    }
  }
}
