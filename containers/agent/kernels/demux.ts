/**
 * Puts a kernel's three lanes (stdout, stderr, frames) back into the order in which one run wrote
 * them: what stands before mark k on both outputs is heard before frame k, what stands after it
 * later. Pure. User code can know its own barrier, so a false mark must never do more than change
 * the order of that run's own output, and nothing may wait for ever: see `force`.
 */
import type { OutputStream } from '../output/coalescer.ts';
import { OUTPUT_STREAMS } from '../output/coalescer.ts';
import { type LanePart, MarkScanner } from './barrier.ts';
import type { RunFrame } from './frames.ts';

export interface DemuxTarget {
  output(stream: OutputStream, bytes: Buffer): void;
  frame(frame: RunFrame): void;
}

interface OutputLane {
  readonly scanner: MarkScanner;
  /** The number of the last mark; -1 before the run's first. */
  passed: number;
  /** Came after a mark that the others have not reached. */
  held: LanePart[];
}

export class Demux {
  readonly #target: DemuxTarget;
  readonly #lanes: Record<OutputStream, OutputLane>;
  #frames: RunFrame[] = [];
  /** The number that the driver's next frame has. */
  #nextFrame = 0;
  /** The number of the last mark that all lanes have passed. Output before mark 0 is not of this run. */
  #phase = -1;

  constructor(barrier: string, target: DemuxTarget) {
    this.#target = target;
    const lane = (): OutputLane => ({ scanner: new MarkScanner(barrier), passed: -1, held: [] });
    this.#lanes = { stdout: lane(), stderr: lane() };
  }

  /** True while the lane has run ahead of the others: whoever reads it should stop. */
  isAhead(lane: OutputStream | 'frames'): boolean {
    return lane === 'frames' ? this.#frames.length > 0 : this.#lanes[lane].passed > this.#phase;
  }

  get waiting(): boolean {
    return this.isAhead('frames') || OUTPUT_STREAMS.some((stream) => this.isAhead(stream));
  }

  pushOutput(stream: OutputStream, chunk: Buffer): void {
    for (const part of this.#lanes[stream].scanner.push(chunk)) this.#take(stream, part);
    this.#advance();
  }

  /** False where the frame's number is not the next: the driver never skips one. */
  pushFrame(frame: RunFrame): boolean {
    if (frame.k !== this.#nextFrame) return false;
    this.#nextFrame += 1;
    // Later than `force` had patience for: its place in the output is gone, the frame is not.
    if (frame.k <= this.#phase) this.#target.frame(frame);
    else this.#frames.push(frame);
    this.#advance();
    return true;
  }

  /** Waits no longer for the lanes that are behind. */
  force(): void {
    for (const stream of OUTPUT_STREAMS) {
      const lane = this.#lanes[stream];
      lane.passed = Math.max(lane.passed, this.#phase + 1);
    }
    this.#step();
    this.#advance();
  }

  /** Hands on all that is held; nothing more comes. */
  end(): void {
    while (this.waiting) this.force();
    for (const stream of OUTPUT_STREAMS) this.#output(stream, this.#lanes[stream].scanner.end());
  }

  #take(stream: OutputStream, part: LanePart): void {
    const lane = this.#lanes[stream];
    if (this.isAhead(stream)) lane.held.push(part);
    else if (part.kind === 'bytes') this.#output(stream, part.bytes);
    // A mark that comes after `force` is late; one that jumps ahead is not the driver's.
    else if (part.number === lane.passed + 1) lane.passed = part.number;
  }

  #advance(): void {
    const passed = () => OUTPUT_STREAMS.every((stream) => this.isAhead(stream));
    while (this.#frames.length > 0 && passed()) this.#step();
  }

  #step(): void {
    this.#phase += 1;
    const frame = this.#frames.at(0);
    if (frame?.k === this.#phase) {
      this.#frames.shift();
      this.#target.frame(frame);
    }
    for (const stream of OUTPUT_STREAMS) {
      const lane = this.#lanes[stream];
      const held = lane.held;
      lane.held = [];
      for (const part of held) this.#take(stream, part);
    }
  }

  #output(stream: OutputStream, bytes: Buffer): void {
    if (this.#phase >= 0 && bytes.length > 0) this.#target.output(stream, bytes);
  }
}
