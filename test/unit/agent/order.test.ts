import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MarkScanner, markOf } from '../../../containers/agent/kernels/barrier.ts';
import { Demux } from '../../../containers/agent/kernels/demux.ts';
import type { RunFrame } from '../../../containers/agent/kernels/frames.ts';

const BARRIER = '0123456789abcdef0123456789abcdef';
type Stream = 'stdout' | 'stderr';
type Step = { readonly stream: Stream; readonly text: string } | 'frame';

const frameOf = (k: number): RunFrame => ({
  type: 'result',
  main: false,
  data: {},
  barrier: BARRIER,
  k,
});

/** What a run did, as its three lanes carry it, and in the order in which a reader must see it. */
function lanesOf(steps: readonly Step[]) {
  const lanes = {
    stdout: [markOf(BARRIER, 0)],
    stderr: [markOf(BARRIER, 0)],
    frames: [frameOf(0)],
  };
  const phases = [{ stdout: '', stderr: '' }];
  for (const step of steps) {
    if (step === 'frame') {
      const mark = markOf(BARRIER, lanes.frames.length);
      lanes.stdout.push(mark);
      lanes.stderr.push(mark);
      lanes.frames.push(frameOf(lanes.frames.length));
      phases.push({ stdout: '', stderr: '' });
    } else {
      lanes[step.stream].push(Buffer.from(step.text));
      const phase = phases.at(-1)!;
      phase[step.stream] += step.text;
    }
  }
  return { lanes, phases };
}

function collect() {
  const phases: { stdout: string; stderr: string }[] = [];
  const target = {
    output: (stream: Stream, bytes: Buffer) => {
      phases.at(-1)![stream] += bytes.toString('latin1');
    },
    frame: () => void phases.push({ stdout: '', stderr: '' }),
  };
  return { phases, target };
}

const text = fc.string({ unit: fc.constantFrom('a', 'b', '\x1e', '0', '1', '2'), maxLength: 40 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ stream: fc.constantFrom<Stream>('stdout', 'stderr'), text }),
  fc.constant('frame' as const),
);

describe('the order of a run', () => {
  it('is what the code did, however its three lanes are cut and interleaved', () => {
    const schedule = fc.array(
      fc.record({
        lane: fc.constantFrom('stdout', 'stderr', 'frames'),
        size: fc.integer({ min: 1, max: 60 }),
      }),
      { minLength: 20, maxLength: 200 },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), schedule, (steps, schedule) => {
        const { lanes, phases } = lanesOf(steps);
        const rest = { stdout: Buffer.concat(lanes.stdout), stderr: Buffer.concat(lanes.stderr) };
        const frames = [...lanes.frames];
        const seen = collect();
        const demux = new Demux(BARRIER, seen.target);
        const feed = (lane: string, size: number) => {
          if (lane === 'frames') {
            const frame = frames.shift();
            if (frame) expect(demux.pushFrame(frame, 10)).toBe(true);
          } else {
            const stream = lane as Stream;
            demux.pushOutput(stream, rest[stream].subarray(0, size));
            rest[stream] = rest[stream].subarray(size);
          }
        };
        for (const { lane, size } of schedule) feed(lane, size);
        while (frames.length > 0) feed('frames', 0);
        for (const stream of ['stdout', 'stderr'] as const) feed(stream, 1e6);
        demux.end();
        expect(seen.phases).toEqual(phases);
      }),
      { numRuns: 300 },
    );
  });

  it('drops what was written before the run', () => {
    const seen = collect();
    const demux = new Demux(BARRIER, seen.target);
    demux.pushOutput('stdout', Buffer.from('of a thread of the run before'));
    demux.pushOutput('stdout', markOf(BARRIER, 0));
    demux.pushOutput('stderr', markOf(BARRIER, 0));
    demux.pushFrame(frameOf(0), 10);
    demux.pushOutput('stdout', Buffer.from('mine'));
    expect(seen.phases).toEqual([{ stdout: 'mine', stderr: '' }]);
  });

  it('is given up, but loses nothing, when a lane never brings its mark', () => {
    const seen = collect();
    const demux = new Demux(BARRIER, seen.target);
    demux.pushOutput('stderr', markOf(BARRIER, 0));
    demux.pushOutput('stderr', Buffer.from('held'));
    demux.pushFrame(frameOf(0), 10);
    expect(demux.waiting).toBe(true);
    expect(seen.phases).toEqual([]);
    demux.force();
    demux.pushOutput('stdout', Buffer.concat([markOf(BARRIER, 0), Buffer.from('late')]));
    expect(seen.phases).toEqual([{ stdout: 'late', stderr: 'held' }]);
  });

  it('takes a frame that comes after patience has ended', () => {
    const seen = collect();
    const demux = new Demux(BARRIER, seen.target);
    demux.pushOutput('stdout', markOf(BARRIER, 0));
    demux.pushOutput('stderr', markOf(BARRIER, 0));
    demux.force();
    expect(demux.pushFrame(frameOf(0), 10)).toBe(true);
    expect(seen.phases).toHaveLength(1);
  });

  it('lets forged marks and frames change the order only, and end in nothing that waits', () => {
    const forged = fc.oneof(
      fc.record({
        stream: fc.constantFrom<Stream>('stdout', 'stderr'),
        bytes: fc.oneof(
          fc.nat(5).map((k) => markOf(BARRIER, k)),
          text.map((text) => Buffer.from(text)),
        ),
      }),
      fc.nat(5).map(frameOf),
    );
    fc.assert(
      fc.property(fc.array(forged, { maxLength: 40 }), (writes) => {
        let heard = 0;
        const demux = new Demux(BARRIER, {
          output: () => undefined,
          frame: () => void (heard += 1),
        });
        let accepted = 0;
        for (const write of writes) {
          if ('stream' in write) demux.pushOutput(write.stream, write.bytes);
          else if (demux.pushFrame(write, 10)) accepted += 1;
        }
        demux.end();
        expect(demux.waiting).toBe(false);
        expect(heard).toBe(accepted);
      }),
    );
  });
});

describe('marks that user code piles up on one output', () => {
  const CHUNK = 64 * 1024;
  const marks = (count: number): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, k) => markOf(BARRIER, k)));

  it('fill the lane, so that it is read no further', () => {
    const demux = new Demux(BARRIER, collect().target);
    const bytes = marks(10_000);
    let read = 0;
    while (read < bytes.length && !demux.isFull('stdout')) {
      demux.pushOutput('stdout', bytes.subarray(read, read + CHUNK));
      read += CHUNK;
    }
    expect(read).toBeLessThanOrEqual(2 * CHUNK);
    expect(demux.isFull('stderr')).toBe(false);
  });

  it('make room again when patience has ended for them', () => {
    const demux = new Demux(BARRIER, collect().target);
    demux.pushOutput('stdout', marks(1_700));
    expect(demux.isFull('stdout')).toBe(true);
    for (let at = 0; at < 200; at += 1) demux.force();
    expect(demux.isFull('stdout')).toBe(false);
    expect(demux.waiting).toBe(true);
  });

  it('are each looked at once, also where they were all read at the end', () => {
    const seen = collect();
    const demux = new Demux(BARRIER, seen.target);
    demux.pushFrame(frameOf(0), 10);
    demux.pushFrame(frameOf(1), 10);
    demux.pushOutput('stdout', Buffer.concat([marks(200_000), Buffer.from('last')]));
    const began = performance.now();
    demux.end();
    // Looking at all that is held for each mark took minutes; once takes a tenth of a second.
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(demux.waiting).toBe(false);
    expect(seen.phases).toEqual([
      { stdout: '', stderr: '' },
      { stdout: 'last', stderr: '' },
    ]);
  });

  it('in a false order are no marks, and are not kept', () => {
    const demux = new Demux(BARRIER, collect().target);
    const repeated = Buffer.concat(Array.from({ length: 100_000 }, () => markOf(BARRIER, 0)));
    demux.pushOutput('stdout', repeated);
    expect(demux.isFull('stdout')).toBe(false);
  });
});

describe('the search for marks', () => {
  it('finds them wherever the bytes are cut, and takes nothing else for one', () => {
    const near = `\x1e${BARRIER}zzzzzzzz\x1e`;
    const bytes = Buffer.concat([
      Buffer.from(`a\x1e${near}`),
      markOf(BARRIER, 7),
      Buffer.from(`\x1e${BARRIER.slice(0, 20)}`),
      markOf(BARRIER, 8),
      Buffer.from(near.slice(0, 30)),
    ]);
    for (let at = 0; at <= bytes.length; at += 1) {
      const scanner = new MarkScanner(BARRIER);
      const parts = [bytes.subarray(0, at), bytes.subarray(at)].flatMap((part) =>
        scanner.push(part),
      );
      const marks = parts.flatMap((part) => (part.kind === 'mark' ? [part.number] : []));
      const rest = parts.map((part) =>
        part.kind === 'bytes' ? part.bytes.toString('latin1') : '|',
      );
      expect(marks).toEqual([7, 8]);
      expect(`${rest.join('')}${scanner.end().toString('latin1')}`).toBe(
        `a\x1e${near}|\x1e${BARRIER.slice(0, 20)}|${near.slice(0, 30)}`,
      );
    }
  });
});
