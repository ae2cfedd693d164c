/**
 * What a driver says on fd 3, one JSON object a line. User code can write there too: lines are
 * bounded, their structure is weighed before they are parsed, and what does not fit is refused.
 */
import * as z from 'zod/mini';
import { Completion } from '../../../contract/agent/completion.ts';
import type { MimeBundle } from '../../../contract/events.ts';
import { LIMITS } from '../../../contract/limits.ts';

/** The largest result and its envelope. */
export const FRAME_BYTES = LIMITS.resultBytes + 1024 * 1024;
/** Each costs memory when parsed: 16 MiB of brackets would be a gigabyte of arrays. */
const STRUCTURE_MAX = { depth: 64, values: 50_000 };
const TOO_MUCH = `it has more than ${STRUCTURE_MAX.values} values or is nested deeper than ${STRUCTURE_MAX.depth}`;

const ReadyFrame = z.object({
  type: z.literal('ready'),
  driver: z.string().check(z.maxLength(64)),
  version: z.string().check(z.maxLength(64)),
});
export type ReadyFrame = z.infer<typeof ReadyFrame>;

const ofRun = { barrier: z.string(), k: z.int().check(z.nonnegative()) };
const text = z.string();
const count = z.int().check(z.nonnegative());

const RunFrame = z.discriminatedUnion('type', [
  z.object({ ...ofRun, type: z.literal('start'), executionCount: z.optional(z.int()) }),
  z.object({
    ...ofRun,
    type: z.literal('result'),
    main: z.boolean(),
    displayId: z.optional(text.check(z.maxLength(128))),
    update: z.optional(z.boolean()),
    // What was parsed from JSON is JSON: to walk through it again would only cost time.
    data: z.record(text.check(z.maxLength(128)), z.custom<MimeBundle[string]>()),
  }),
  z.object({
    ...ofRun,
    type: z.literal('error'),
    name: text.check(z.maxLength(256)),
    value: text,
    traceback: text,
  }),
  z.object({
    ...ofRun,
    type: z.literal('done'),
    ok: z.boolean(),
    exitCode: z.int().check(z.minimum(0), z.maximum(255)),
    reason: z.optional(z.enum(['memory', 'processes', 'file_size'])),
    /** Bytes that the run read and wrote. */
    io: z.optional(z.object({ readBytes: count, writtenBytes: count })),
    /** The interpreter cannot go on: what its variables hold leaves no room, or it has exited. */
    lost: z.optional(z.enum(['memory', 'exited'])),
  }),
]);
export type RunFrame = z.infer<typeof RunFrame>;
export type ResultFrame = Extract<RunFrame, { type: 'result' }>;
export type DoneFrame = Extract<RunFrame, { type: 'done' }>;

export function parseReady(line: Buffer): ReadyFrame | undefined {
  return tooMuchStructure(line) ? undefined : parse(ReadyFrame, line);
}

const CompletionFrame = z.object({
  type: z.literal('completions'),
  barrier: z.string(),
  ...Completion.shape,
});

/** As of a run: what does not name the barrier of the question is not its answer. */
export function parseCompletion(line: Buffer, barrier: string): Completion | undefined {
  if (!line.includes(barrier) || tooMuchStructure(line)) return undefined;
  const frame = parse(CompletionFrame, line);
  if (frame?.barrier !== barrier) return undefined;
  const { start, end, matches, truncated } = frame;
  return { start, end, matches, truncated };
}

/** A line that does not name the run's barrier is refused unparsed: it is the code's, not the driver's. */
export function parseRunFrame(line: Buffer, barrier: string): RunFrame | undefined {
  if (!line.includes(barrier)) return undefined;
  const frame = tooMuchStructure(line)
    ? standIn(line, TOO_MUCH)
    : (parse(RunFrame, line) ?? standIn(line, 'its form is not as agreed'));
  return frame?.barrier === barrier ? frame : undefined;
}

function parse<T>(schema: z.ZodMiniType<T>, line: Buffer): T | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(line.toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Not JSON, or nested deeper than the parser's stack.
    return undefined;
  }
}

const HEAD = /^\{"type": ?"(?:(error)"|result", ?"main": ?(true|false)),/;
const RUN_TAIL = /"barrier": ?"([0-9a-f]+)", ?"k": ?(\d{1,9})\}$/;

/** In place of a driver's result or error that is not to be had: a lost number would hold all after it. */
function standIn(line: Buffer, why: string): RunFrame | undefined {
  const head = HEAD.exec(line.toString('latin1', 0, 64));
  const tail = RUN_TAIL.exec(line.toString('latin1', Math.max(0, line.length - 128)));
  const [, barrier, number] = tail ?? [];
  if (!head || barrier === undefined) return undefined;
  const [, error, main] = head;
  const of = { barrier, k: Number(number) };
  if (error !== undefined) {
    const value = `[the error is left out: ${why}]`;
    return { type: 'error', name: 'Error', value, traceback: '', ...of };
  }
  const data = { 'text/plain': `[the result is left out: ${why}]` };
  return { type: 'result', main: main === 'true', data, ...of };
}

function tooMuchStructure(line: Buffer): boolean {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < line.length; at += 1) {
    const byte = line[at];
    if (byte === 0x22) at = endOfString(line, at);
    else if (byte === 0x5b || byte === 0x7b) depth += 1;
    else if (byte === 0x5d || byte === 0x7d) depth -= 1;
    if (byte === 0x2c || byte === 0x5b || byte === 0x7b) values += 1;
    if (depth > STRUCTURE_MAX.depth || values > STRUCTURE_MAX.values) return true;
  }
  return false;
}

/** The closing quote of the string that opens at `at`. */
function endOfString(line: Buffer, at: number): number {
  let end = at;
  for (;;) {
    end = line.indexOf(0x22, end + 1);
    if (end < 0) return line.length;
    let slashes = 0;
    while (line[end - 1 - slashes] === 0x5c) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
}

/** Cuts bytes into lines. A line over the limit is skipped to its end and counted. */
export class LineReader {
  readonly #limit: number;
  #parts: Buffer[] = [];
  #size = 0;
  #skipping = false;
  refused = 0;

  constructor(limit: number = FRAME_BYTES) {
    this.#limit = limit;
  }

  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      this.#add(chunk.subarray(from, end));
      if (this.#skipping) this.#skipping = false;
      else lines.push(this.#parts.length === 1 ? (this.#parts[0] ?? chunk) : this.#joined());
      this.#parts = [];
      this.#size = 0;
      from = end + 1;
    }
    // Copied, so that a small rest does not keep its whole chunk.
    this.#add(Buffer.from(chunk.subarray(from)));
    return lines;
  }

  #joined(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #add(part: Buffer): void {
    if (this.#skipping || part.length === 0) return;
    this.#parts.push(part);
    this.#size += part.length;
    if (this.#size <= this.#limit) return;
    this.refused += 1;
    this.#skipping = true;
    this.#parts = [];
    this.#size = 0;
  }
}
