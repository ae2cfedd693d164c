/**
 * Reads a body of several parts as it comes, however it is cut. Must never hold more than one read and a
 * part's headers, nor lose or add a byte of a part.
 */
import { AppError } from '../../../contract/errors.ts';

const MAX_HEADER_BYTES = 16 * 1024;
const LINE_END = '\r\n';
const HEADERS_END = '\r\n\r\n';

export type PartEvent =
  /** A part begins; undefined where it has no such name. */
  | {
      readonly type: 'part';
      readonly name: string | undefined;
      readonly filename: string | undefined;
    }
  | { readonly type: 'data'; readonly bytes: Buffer }
  | { readonly type: 'end' };

/** The boundary that a content type names. */
export function boundaryOf(contentType: string): string {
  const found = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2];
  if (boundary !== undefined) return boundary;
  throw broken('content-type', 'must name a boundary');
}

export class MultipartParser {
  readonly #delimiter: Buffer;
  #state: 'preamble' | 'delimiter' | 'headers' | 'part' | 'done' = 'preamble';
  /** The first delimiter may stand at the very beginning. */
  #rest: Buffer = Buffer.from(LINE_END);

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`${LINE_END}--${boundary}`);
  }

  *push(chunk: Buffer): Generator<PartEvent> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let goOn = true; goOn; ) {
      if (this.#state === 'done') {
        // What follows the last boundary is nothing.
        this.#rest = Buffer.alloc(0);
        return;
      }
      if (this.#state === 'delimiter') goOn = this.#afterDelimiter();
      else if (this.#state === 'headers') goOn = yield* this.#headers();
      else goOn = yield* this.#untilDelimiter(this.#state === 'part');
    }
  }

  /** All of the body has come. */
  end(): void {
    if (this.#state !== 'done') throw broken('body', 'ends before its last boundary');
  }

  *#untilDelimiter(isPart: boolean): Generator<PartEvent, boolean> {
    const at = this.#rest.indexOf(this.#delimiter);
    // What may be the beginning of a delimiter waits for the rest of it.
    const end = at >= 0 ? at : Math.max(0, this.#rest.length - this.#delimiter.length + 1);
    if (isPart && end > 0) yield { type: 'data', bytes: this.#rest.subarray(0, end) };
    this.#rest = this.#rest.subarray(at >= 0 ? at + this.#delimiter.length : end);
    if (at < 0) return false;
    if (isPart) yield { type: 'end' };
    this.#state = 'delimiter';
    return true;
  }

  #afterDelimiter(): boolean {
    if (this.#rest.length < 2) return false;
    const mark = this.#rest.toString('latin1', 0, 2);
    if (mark !== '--' && mark !== LINE_END) throw broken('body', 'has a broken boundary');
    this.#state = mark === '--' ? 'done' : 'headers';
    // The line end stays: headers end with two, and there may be none.
    return true;
  }

  *#headers(): Generator<PartEvent, boolean> {
    const at = this.#rest.indexOf(HEADERS_END);
    if (at < 0 && this.#rest.length <= MAX_HEADER_BYTES) return false;
    if (at < 0 || at > MAX_HEADER_BYTES) throw broken('body', 'has a part with too many headers');
    const text = this.#rest.toString('utf8', 0, at);
    this.#rest = this.#rest.subarray(at + HEADERS_END.length);
    const line = /^content-disposition:(.*)$/im.exec(text)?.[1] ?? '';
    yield { type: 'part', name: valueOf(line, 'name'), filename: valueOf(line, 'filename') };
    // The next delimiter may follow at once, and begins with a line end of its own.
    this.#state = 'part';
    return true;
  }
}

/** Of a header's value, as the Fetch standard writes it: quotes and line ends are percent-encoded, nothing else. */
function valueOf(line: string, name: string): string | undefined {
  const found = new RegExp(`;\\s*${name}="([^"]*)"`, 'i').exec(line)?.[1];
  return found?.replaceAll('%22', '"').replaceAll('%0D', '\r').replaceAll('%0A', '\n');
}

const broken = (field: string, problem: string) =>
  new AppError('VALIDATION_ERROR', `${field}: ${problem}`, { details: { field } });
