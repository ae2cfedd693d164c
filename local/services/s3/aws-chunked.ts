/**
 * Decodes the `aws-chunked` framing of STREAMING-UNSIGNED-PAYLOAD-TRAILER: chunks of `<hex size>CRLF<bytes>CRLF`, an
 * empty one, then trailers up to an empty line. However the bytes are split, the same comes out; it holds no more than
 * one line.
 */
import { incompleteBody } from './errors.ts';

const MAX_LINE_BYTES = 4096;
const MAX_TRAILERS = 16;
const LF = 0x0a;

type State =
  | { readonly at: 'size' | 'after-data' | 'trailers' | 'end' }
  | { readonly at: 'data'; readonly left: number };

export class AwsChunkedDecoder {
  readonly trailers = new Map<string, string>();
  #state: State = { at: 'size' };
  /** The line begun in earlier bytes. */
  #line = Buffer.alloc(0);

  /** The data within these bytes. */
  push(bytes: Buffer): Buffer[] {
    const data: Buffer[] = [];
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#state.at === 'data') {
        const piece = rest.subarray(0, this.#state.left);
        const left = this.#state.left - piece.length;
        data.push(piece);
        rest = rest.subarray(piece.length);
        this.#state = left > 0 ? { at: 'data', left } : { at: 'after-data' };
      } else {
        rest = this.#takeLine(rest);
      }
    }
    return data;
  }

  /** To be called after the last byte. */
  end(): void {
    if (this.#state.at !== 'end')
      throw incompleteBody('The chunked body ended before its last chunk');
  }

  #takeLine(rest: Buffer): Buffer {
    const end = rest.indexOf(LF);
    const piece = end < 0 ? rest : rest.subarray(0, end + 1);
    this.#line = Buffer.concat([this.#line, piece]);
    if (this.#line.length > MAX_LINE_BYTES)
      throw incompleteBody('A line of the framing is too long');
    if (end >= 0) {
      const line = this.#line.toString('latin1');
      this.#line = Buffer.alloc(0);
      if (!line.endsWith('\r\n')) throw incompleteBody('A line of the framing must end with CRLF');
      this.#state = this.#next(line.slice(0, -2));
    }
    return rest.subarray(piece.length);
  }

  #next(line: string): State {
    const { at } = this.#state;
    if (at === 'trailers') return this.#trailer(line);
    if (at === 'end') throw incompleteBody('Bytes follow the last chunk');
    if (at === 'after-data') {
      if (line !== '') throw incompleteBody('A chunk is longer than its size');
      return { at: 'size' };
    }
    const size = /^([0-9a-f]{1,8})(?:;.*)?$/i.exec(line)?.[1];
    if (size === undefined) throw incompleteBody('A chunk must begin with its size in hex');
    const left = Number.parseInt(size, 16);
    return left === 0 ? { at: 'trailers' } : { at: 'data', left };
  }

  #trailer(line: string): State {
    if (line === '') return { at: 'end' };
    const colon = line.indexOf(':');
    if (colon < 1) throw incompleteBody('A trailer must be <name>:<value>');
    if (this.trailers.size >= MAX_TRAILERS) throw incompleteBody('Too many trailers');
    this.trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    return { at: 'trailers' };
  }
}
