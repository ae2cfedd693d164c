import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  FRAME_BYTES,
  LineReader,
  parseRunFrame as parseFrameOf,
  parseReady,
} from '../../../containers/agent/kernels/frames.ts';

const frame = (fields: object): Buffer =>
  Buffer.from(JSON.stringify({ barrier: 'b', k: 0, ...fields }));

const BARRIER = 'b';
const parseRunFrame = (line: Buffer) => parseFrameOf(line, BARRIER);

describe('lines on fd 3', () => {
  it('are the same however they were cut', () => {
    const lines = fc.array(fc.string({ maxLength: 30 }).map((text) => text.replaceAll('\n', '')));
    fc.assert(
      fc.property(lines, fc.array(fc.integer({ min: 1, max: 20 })), (lines, sizes) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const reader = new LineReader(200);
        const found: string[] = [];
        let at = 0;
        for (const size of [...sizes, bytes.length]) {
          found.push(...reader.push(bytes.subarray(at, at + size)).map(String));
          at += size;
        }
        expect(found).toEqual(lines);
      }),
    );
  });

  it('over the limit are skipped to their end, and the next is read', () => {
    const reader = new LineReader(10);
    expect(reader.push(Buffer.from('12345'))).toEqual([]);
    expect(reader.push(Buffer.from('678901'))).toEqual([]);
    expect(reader.push(Buffer.from('more\nok\n')).map(String)).toEqual(['ok']);
    expect(reader.refused).toBe(1);
  });
});

describe('frames on fd 3', () => {
  it('are known by their schema', () => {
    expect(
      parseReady(Buffer.from('{"type":"ready","driver":"plain","version":"3.11"}'))?.driver,
    ).toBe('plain');
    expect(parseRunFrame(frame({ type: 'done', ok: true, exitCode: 0 }))?.type).toBe('done');
    const result = {
      type: 'result',
      main: true,
      data: { 'text/plain': '1', 'application/json': [1] },
    };
    expect(parseRunFrame(frame(result))).toMatchObject(result);
  });

  it('are refused where anything is not as agreed, and nothing throws', () => {
    const wrong = [
      'garbage',
      '',
      '[]',
      'null',
      '{"type":"done"}',
      String(frame({ type: 'done', ok: true, exitCode: 300 })),
      String(frame({ type: 'result', main: true, data: [] })),
      String(frame({ type: 'finished', outcome: 'ok' })),
      '{"barrier":"b","k":-1,"type":"start"}',
    ];
    for (const line of wrong) expect(parseRunFrame(Buffer.from(line))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(parseRunFrame(Buffer.concat([Buffer.from('"b"'), bytes]))).toBeUndefined();
      }),
    );
  });

  it('are refused before they are parsed where their structure would cost too much memory', () => {
    const brackets = Buffer.concat([Buffer.from('"b"'), Buffer.alloc(FRAME_BYTES, '[')]);
    const commas = Buffer.from(`{"barrier":"b","data":[${'0,'.repeat(2_000_000)}0]}`);
    for (const line of [brackets, commas]) {
      const began = performance.now();
      expect(parseRunFrame(line)).toBeUndefined();
      expect(performance.now() - began).toBeLessThan(2_000);
    }
  });

  it('of another barrier are refused unparsed', () => {
    const parse = vi.spyOn(JSON, 'parse');
    const line = Buffer.from('{"barrier":"other","k":0,"type":"start"}');
    expect(parseFrameOf(line, 'mine')).toBeUndefined();
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
  });

  it('keep their number where a result has too many values, also in a short line', () => {
    const parse = vi.spyOn(JSON, 'parse');
    for (const values of [`[${'0,'.repeat(60_000)}0]`, `${'['.repeat(70)}${']'.repeat(70)}`]) {
      const line = `{"type": "result", "main": true, "data": {"application/json": ${values}}, "barrier": "b", "k": 7}`;
      const frame = parseRunFrame(Buffer.from(line));
      expect(frame).toMatchObject({ type: 'result', main: true, barrier: 'b', k: 7 });
      expect(JSON.stringify(frame)).toContain('the result is left out');
    }
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
  });

  it('keep their number where a result or an error is not as agreed', () => {
    const line = (fields: object) =>
      Buffer.from(JSON.stringify({ ...fields, barrier: BARRIER, k: 7 }));
    const data = { ['x'.repeat(129)]: 'y' };
    expect(parseRunFrame(line({ type: 'result', main: false, data }))).toEqual({
      type: 'result',
      main: false,
      data: { 'text/plain': '[the result is left out: its form is not as agreed]' },
      barrier: BARRIER,
      k: 7,
    });
    expect(parseRunFrame(line({ type: 'error', name: ['E'], value: '', traceback: '' }))).toEqual({
      type: 'error',
      name: 'Error',
      value: '[the error is left out: its form is not as agreed]',
      traceback: '',
      barrier: BARRIER,
      k: 7,
    });
  });

  it('may hold any JSON as a result', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const data = JSON.parse(JSON.stringify({ 'application/json': value }));
        const parsed = parseRunFrame(frame({ type: 'result', main: true, data }));
        expect(parsed).toMatchObject({ type: 'result' });
        expect(parsed?.type === 'result' && parsed.data).toEqual(data);
      }),
    );
  });

  it('may hold a large string full of quotes and brackets', () => {
    const data = { 'text/plain': '[{",\\"'.repeat(200_000) };
    expect(parseRunFrame(frame({ type: 'result', main: true, data }))).toMatchObject({ data });
  });
});
