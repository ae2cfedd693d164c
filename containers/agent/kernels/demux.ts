/**
 * Puts a kernel's three lanes (stdout, stderr, frames) back into the order in which one run wrote
 * them: what stands before mark k on both outputs is heard before frame k, what stands after it
 * later. Pure. User code can know its own barrier, so a false mark must never do more than change
 * the order of that run's own output, and nothing may wait for ever: see `force`.
 */
import type { OutputStream } from '../output/coalescer.ts';
import { OUTPUT_STREAMS } from '../output/coalescer.ts';
import { type LanePart, MARK_BYTES, MarkScanner } from './barrier.ts';
import type { RunFrame } from './frames.ts';

export interface DemuxTarget {
  output(stream: OutputStream, bytes: Buffer): void;
  frame(frame: RunFrame): void;
}

/** A lane that has run ahead by more than this should not be read on. */
const HELD_BYTES = 64 * 1024;

interface OutputLane {
  readonly scanner: MarkScanner;
  /** The number of the last mark; -1 before the run's first. */
  passed: number;
  /** Came after a mark that the others have not reached; what stands before `next` was handed on. */
  held: LanePart[];
  next: number;
  /** The number of the last mark, held or not. */
  lastMark: number;
  heldBytes: number;
}

export class Demux {
  readonly #target: DemuxTarget;
  readonly #lanes: Record<OutputStream, OutputLane>;
  #frameBytes = 0;
  #frames: { readonly frame: RunFrame; readonly sizeBytes: number }[] = [];
  /** The number that the driver's next frame has. */
  #nextFrame = 0;
  /** The number of the last mark that all lanes have passed. Output before mark 0 is not of this run. */
  #phase = -1;

  constructor(barrier: string, target: DemuxTarget) {
    this.#target = target;
    const lane = (): OutputLane => ({
      scanner: new MarkScanner(barrier),
      passed: -1,
      held: [],
      next: 0,
      lastMark: -1,
      heldBytes: 0,
    });
    this.#lanes = { stdout: lane(), stderr: lane() };
  }

  /** One lane has run ahead of the others. */
  get waiting(): boolean {
    return this.#frames.length > 0 || OUTPUT_STREAMS.some((stream) => this.#isAhead(stream));
  }

  /** Whoever reads the lane should stop: too much of it waits for the others. */
  isFull(lane: OutputStream | 'frames'): boolean {
    return (lane === 'frames' ? this.#frameBytes : this.#lanes[lane].heldBytes) > HELD_BYTES;
  }

  pushOutput(stream: OutputStream, chunk: Buffer): void {
    for (const part of this.#lanes[stream].scanner.push(chunk)) this.#take(stream, part);
    this.#advance();
  }

  /** False where the frame's number is not the next: the driver never skips one. */
  pushFrame(frame: RunFrame, sizeBytes: number): boolean {
    if (frame.k !== this.#nextFrame) return false;
    this.#nextFrame += 1;
    // Later than `force` had patience for: its place in the output is gone, the frame is not.
    if (frame.k <= this.#phase) this.#target.frame(frame);
    else {
      this.#frames.push({ frame, sizeBytes });
      this.#frameBytes += sizeBytes;
    }
    this.#advance();
    return true;
  }

  /** Waits no longer for the lanes that are behind. */
  force(): void {
    for (const stream of OUTPUT_STREAMS) {
      const lane = this.#lanes[stream];
      lane.passed = Math.max(lane.passed, this.#phase + 1);
      lane.lastMark = Math.max(lane.lastMark, lane.passed);
    }
    this.#step();
    this.#advance();
  }

  /** Hands on all that is held, each part once; nothing more comes. */
  end(): void {
    while (this.waiting) this.force();
    for (const stream of OUTPUT_STREAMS) this.#output(stream, this.#lanes[stream].scanner.end());
  }

  #take(stream: OutputStream, part: LanePart): void {
    const lane = this.#lanes[stream];
    if (part.kind === 'mark') {
      // One that comes after `force` is late; one that jumps ahead is not the driver's.
      if (part.number !== lane.lastMark + 1) return;
      lane.lastMark = part.number;
    }
    if (!this.#isAhead(stream)) {
      this.#handOn(stream, part);
      return;
    }
    // A copy: what was read is overwritten by the next read.
    lane.held.push(part.kind === 'mark' ? part : { kind: 'bytes', bytes: Buffer.from(part.bytes) });
    lane.heldBytes += heldSize(part);
  }

  #handOn(stream: OutputStream, part: LanePart): void {
    if (part.kind === 'bytes') this.#output(stream, part.bytes);
    else this.#lanes[stream].passed = part.number;
  }

  #advance(): void {
    const passed = () => OUTPUT_STREAMS.every((stream) => this.#isAhead(stream));
    while (this.#frames.length > 0 && passed()) this.#step();
  }

  #step(): void {
    this.#phase += 1;
    if (this.#frames[0]?.frame.k === this.#phase) {
      const next = this.#frames.shift();
      if (next) {
        this.#frameBytes -= next.sizeBytes;
        this.#target.frame(next.frame);
      }
    }
    for (const stream of OUTPUT_STREAMS) this.#release(stream);
  }

  /** Up to the lane's next mark. Never touches the rest, of which user code can make any amount. */
  #release(stream: OutputStream): void {
    const lane = this.#lanes[stream];
    while (!this.#isAhead(stream)) {
      const part = lane.held[lane.next];
      if (!part) break;
      lane.next += 1;
      lane.heldBytes -= heldSize(part);
      this.#handOn(stream, part);
    }
    // By halves, so that each part is moved about once.
    if (lane.next * 2 < lane.held.length) return;
    lane.held = lane.held.slice(lane.next);
    lane.next = 0;
  }

  #isAhead(stream: OutputStream): boolean {
    return this.#lanes[stream].passed > this.#phase;
  }

  #output(stream: OutputStream, bytes: Buffer): void {
    if (this.#phase >= 0 && bytes.length > 0) this.#target.output(stream, bytes);
  }
}

/** What a part costs while it waits: none is free, or user code could pile up any number. */
function heldSize(part: LanePart): number {
  return MARK_BYTES + (part.kind === 'bytes' ? part.bytes.length : 0);
}
