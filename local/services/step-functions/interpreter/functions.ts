/**
 * The functions that Step Functions adds to JSONata, and those of JSONata that must follow the machine's own clock.
 * `$eval` is taken away, as there.
 */
import { createHash, randomUUID } from 'node:crypto';
import jsonata from 'jsonata';
import type { Clock } from './clock.ts';
import type { Json } from './json.ts';

const digests: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

/** The most that `$range` gives. */
const longestRange = 1000;

const formatted = jsonata('$fromMillis($instant, $picture, $timezone)');

export function addedFunctions(world: { readonly clock: Clock; readonly random: () => number }) {
  const { clock, random } = world;
  return {
    partition,
    range,
    hash,
    random,
    uuid: () => randomUUID(),
    parse: (text: string) => JSON.parse(text) as Json,
    millis: () => clock.nowMs(),
    now: (picture?: string, timezone?: string) =>
      formatted.evaluate(undefined, { instant: clock.nowMs(), picture, timezone }),
    eval: undefined,
  };
}

function partition(array: readonly Json[], size: number): Json[][] {
  if (!Number.isInteger(size) || size < 1)
    throw new RangeError(`$partition takes a whole size of at least 1, got ${size}`);
  const parts: Json[][] = [];
  for (let start = 0; start < array.length; start += size)
    parts.push(array.slice(start, start + size));
  return parts;
}

function range(first: number, last: number, step: number): number[] {
  const count = Math.floor((last - first) / step) + 1;
  if (!Number.isFinite(count) || count > longestRange)
    throw new RangeError(`$range gives at most ${longestRange} numbers`);
  return Array.from({ length: Math.max(0, count) }, (_, index) => first + index * step);
}

function hash(data: Json, algorithm: string): string {
  const digest = digests[algorithm];
  if (digest === undefined)
    throw new RangeError(
      `$hash knows ${Object.keys(digests).join(', ')}, got ${JSON.stringify(algorithm)}`,
    );
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return createHash(digest).update(text).digest('hex');
}
