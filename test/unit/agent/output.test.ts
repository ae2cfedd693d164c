import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockBuffer } from '../../../containers/agent/output/block-buffer.ts';
import { OutputBudget } from '../../../containers/agent/output/budget.ts';
import {
  BLOCK_BYTES,
  incompleteTail,
  type Piece,
  piecesOf,
  TEXT_JSON_BYTES,
} from '../../../containers/agent/output/pieces.ts';

const bytesOf = (piece: Piece): Buffer =>
  'text' in piece ? Buffer.from(piece.text) : Buffer.from(piece.base64, 'base64');
const joined = (pieces: Piece[]): Buffer => Buffer.concat(pieces.map(bytesOf));

/** Text, binary and both, with the characters that are hard. */
const output = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 50 }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom('é', '€', '🙂', '\0'.repeat(9_000), 'a'.repeat(20_000))
        .map((text) => Buffer.from(text)),
      fc.constantFrom(
        Buffer.from([0xff]),
        Buffer.from([0xe2, 0x82]),
        Buffer.from([0xed, 0xa0, 0x80]),
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts));

/** The same bytes, cut at other places. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    if (at >= bytes.length) break;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return at < bytes.length ? [...chunks, bytes.subarray(at)] : chunks;
}
const sizes = fc.array(fc.integer({ min: 1, max: 9_000 }), { maxLength: 40 });

function gather(chunks: readonly Buffer[]): Piece[] {
  const buffer = new BlockBuffer();
  return [...chunks.flatMap((chunk) => buffer.push(chunk)), ...buffer.end()];
}

describe('pieces of output', () => {
  it('are the same however the bytes were cut on the way', () => {
    fc.assert(
      fc.property(output, sizes, (bytes, sizes) => {
        expect(gather(cut(bytes, sizes))).toEqual(gather([bytes]));
      }),
    );
  });

  it('lose, add and reorder no byte, also where a flush comes in between', () => {
    fc.assert(
      fc.property(output, sizes, fc.array(fc.boolean()), (bytes, sizes, flushes) => {
        const buffer = new BlockBuffer();
        const pieces = cut(bytes, sizes).flatMap((chunk, at) => [
          ...buffer.push(chunk),
          ...(flushes[at] === true ? buffer.flush() : []),
        ]);
        const all = [...pieces, ...buffer.end()];
        expect(joined(all).equals(bytes)).toBe(true);
        expect(all.reduce((sum, piece) => sum + piece.sizeBytes, 0)).toBe(bytes.length);
      }),
    );
  });

  it('fit an event: 16 KiB, and as JSON 24 KB', () => {
    fc.assert(
      fc.property(output, (bytes) => {
        for (const piece of gather([bytes])) {
          expect(piece.sizeBytes).toBeLessThanOrEqual(BLOCK_BYTES);
          const json = JSON.stringify('text' in piece ? piece.text : piece.base64);
          expect(Buffer.byteLength(json)).toBeLessThanOrEqual(TEXT_JSON_BYTES + 2);
        }
      }),
    );
  });

  it('are text wherever the bytes are UTF-8', () => {
    const text = 'añ€🙂\u{10ffff}\ud7ff\ue000';
    expect(piecesOf(Buffer.from(text))).toEqual([{ text, sizeBytes: Buffer.byteLength(text) }]);
  });

  it('are one base64 from the first to the last byte that is not UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from('ok é'),
      Buffer.from([0xff, 0x61, 0xc0]),
      Buffer.from('€'),
    ]);
    expect(piecesOf(bytes)).toEqual([
      { text: 'ok é', sizeBytes: 5 },
      { base64: Buffer.from([0xff, 0x61, 0xc0]).toString('base64'), sizeBytes: 3 },
      { text: '€', sizeBytes: 3 },
    ]);
  });

  it('agree with the platform on what is UTF-8', () => {
    const strict = (bytes: Buffer): boolean => {
      try {
        new TextDecoder('utf-8', { fatal: true }).decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    const short = fc.uint8Array({ minLength: 1, maxLength: 5 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(short, (bytes) => {
        const kept = piecesOf(bytes).every((piece) => 'text' in piece);
        expect(kept).toBe(strict(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  it('hold back the first bytes of a character and nothing else', () => {
    expect(incompleteTail(Buffer.from('a'))).toBe(0);
    expect(incompleteTail(Buffer.from('€').subarray(0, 2))).toBe(2);
    expect(incompleteTail(Buffer.from('🙂').subarray(0, 3))).toBe(3);
    expect(incompleteTail(Buffer.from([0xff]))).toBe(0);
    expect(incompleteTail(Buffer.from([0xe0, 0x80]))).toBe(0);
  });
});

describe('the budget of an execution', () => {
  it('counts every byte once, as kept or as dropped', () => {
    const step = fc.record({
      kind: fc.constantFrom('output', 'result', 'error'),
      size: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const budget = new OutputBudget({ capBytes: 100, graceBytes: 50 });
        let total = 0;
        for (const { kind, size } of steps) {
          total += size;
          if (kind === 'result') budget.admitResult(size);
          else if (kind === 'error') budget.admitError(size);
          else {
            const room = budget.room(size);
            budget.keep(room);
            budget.drop(size - room);
            if (room < size) budget.cap();
          }
        }
        expect(budget.usedBytes + budget.droppedBytes).toBe(total);
      }),
    );
  });

  it('keeps results within the grace after the cap, and tells once that it was crossed', () => {
    const budget = new OutputBudget({ capBytes: 100, graceBytes: 50 });
    budget.keep(90);
    expect(budget.admitResult(20)).toEqual({ kept: true, crossed: true });
    expect(budget.room(1)).toBe(0);
    expect(budget.admitResult(40)).toEqual({ kept: true, crossed: false });
    expect(budget.admitResult(1)).toEqual({ kept: false, crossed: false });
  });

  it('never refuses the first error', () => {
    const budget = new OutputBudget({ capBytes: 1, graceBytes: 1 });
    expect(budget.admitError(1_000).kept).toBe(true);
    expect(budget.admitError(1_000).kept).toBe(false);
  });
});
