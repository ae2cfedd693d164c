/**
 * Turns a block of output bytes into pieces that fit an event: text that never splits a character,
 * base64 only where the bytes are not UTF-8. Pure; must never lose, add or reorder a byte.
 */
import { isUtf8 } from 'node:buffer';
import { LIMITS } from '../../../contract/limits.ts';

/** A piece's own bytes are in `sizeBytes`, whatever its form. */
export type Piece =
  | { readonly text: string; readonly sizeBytes: number }
  | { readonly base64: string; readonly sizeBytes: number };

export const BLOCK_BYTES = LIMITS.eventTextBytes;
/** An event's text as JSON; with the other fields the line stays under 24,000 bytes. */
export const TEXT_JSON_BYTES = 23_500;

/** Pieces of one block of at most BLOCK_BYTES: at most text, base64, text. */
export function piecesOf(block: Buffer): Piece[] {
  if (block.length === 0) return [];
  if (isUtf8(block)) return textPieces(block);
  const { start, end } = invalidRange(block);
  const middle = block.subarray(start, end);
  return [
    ...textPieces(block.subarray(0, start)),
    { base64: middle.toString('base64'), sizeBytes: middle.length },
    ...textPieces(block.subarray(end)),
  ];
}

/** Bytes at the end that begin a character whose rest may still come: 0 to 3. */
export function incompleteTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const at = bytes.length - back;
    if (isContinuation(bytes[at] ?? 0)) continue;
    return sequenceAt(bytes, at) === 'incomplete' ? back : 0;
  }
  return 0;
}

/** The longest head of at most `limit` bytes that ends between characters. `bytes` is UTF-8. */
export function headOnBoundary(bytes: Buffer, limit: number): Buffer {
  if (bytes.length <= limit) return bytes;
  let end = limit;
  while (end > 0 && isContinuation(bytes[end] ?? 0)) end -= 1;
  return bytes.subarray(0, end);
}

function textPieces(bytes: Buffer): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  let cost = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    const step = jsonCost(byte);
    if (cost + step > TEXT_JSON_BYTES) {
      let cut = at;
      while (isContinuation(bytes[cut] ?? 0)) cut -= 1;
      pieces.push(textPiece(bytes.subarray(start, cut)));
      start = cut;
      cost = at - cut;
    }
    cost += step;
  }
  if (start < bytes.length) pieces.push(textPiece(bytes.subarray(start)));
  return pieces;
}

const textPiece = (bytes: Buffer): Piece => ({
  text: bytes.toString('utf8'),
  sizeBytes: bytes.length,
});

/** What JSON.stringify makes of a byte of UTF-8. */
function jsonCost(byte: number): number {
  if (byte === 0x22 || byte === 0x5c) return 2;
  if (byte >= 0x20) return 1;
  return (byte >= 8 && byte <= 10) || byte === 12 || byte === 13 ? 2 : 6;
}

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;

/**
 * From the first byte that is not UTF-8 to the last: binary output would otherwise be an event
 * for every few bytes.
 */
function invalidRange(bytes: Buffer): { start: number; end: number } {
  let start = -1;
  let end = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceAt(bytes, at);
    if (typeof length === 'number') {
      at += length;
      continue;
    }
    if (start < 0) start = at;
    at += 1;
    end = at;
  }
  return { start, end };
}

/** Length of the character at `at`, or what is wrong with it. */
function sequenceAt(bytes: Buffer, at: number): number | 'invalid' | 'incomplete' {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead >= 0xc2 && lead <= 0xdf ? 2 : lead >> 4 === 0xe ? 3 : 4;
  if (lead < 0xc2 || lead > 0xf4) return 'invalid';
  for (let offset = 1; offset < length; offset += 1) {
    const byte = bytes[at + offset];
    if (byte === undefined) return 'incomplete';
    const [low, high] = offset === 1 ? secondByteRange(lead) : [0x80, 0xbf];
    if (byte < low || byte > high) return 'invalid';
  }
  return length;
}

/** Overlong forms, surrogates and code points over U+10FFFF are not UTF-8. */
function secondByteRange(lead: number): readonly [number, number] {
  if (lead === 0xe0) return [0xa0, 0xbf];
  if (lead === 0xed) return [0x80, 0x9f];
  if (lead === 0xf0) return [0x90, 0xbf];
  if (lead === 0xf4) return [0x80, 0x8f];
  return [0x80, 0xbf];
}
