import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Spool } from '../../../containers/agent/executions/spool.ts';
import { SpoolReader } from '../../../containers/agent/executions/spool-reader.ts';
import { SpoolStore } from '../../../containers/agent/executions/spool-store.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spool-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

const quiet = { onFailure: () => undefined, onBacklog: () => undefined };
const newSpool = (path = join(folder, crypto.randomUUID())) => new Spool({ path, ...quiet });

async function readAll(spool: Spool, after: number): Promise<string[]> {
  const reader = new SpoolReader(spool, after);
  const chunks: Buffer[] = [];
  for (;;) {
    const next = await reader.read(1_000);
    if (next === 'end') break;
    if (next === 'gone') throw new Error('gone');
    if (next !== 'silence') chunks.push(Buffer.from(next));
  }
  await reader.close();
  return Buffer.concat(chunks).toString().split('\n').slice(0, -1);
}

describe('a spool', () => {
  it('gives every reader the lines after its cursor, on disk or not, while it grows', async () => {
    const line = fc.oneof(fc.nat(20), fc.integer({ min: 1_000, max: 90_000 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 40 }),
        fc.array(fc.tuple(fc.nat(40), fc.nat(40)), { minLength: 1, maxLength: 4 }),
        async (sizes, readers) => {
          const spool = newSpool();
          const lines = sizes.map((size, at) => `${at}:${'x'.repeat(size)}`);
          const reading: Promise<void>[] = [];
          for (const [at, text] of lines.entries()) {
            for (const [begin, after] of readers)
              if (begin === at) {
                const from = Math.min(after, at);
                reading.push(
                  readAll(spool, from).then((got) => expect(got).toEqual(lines.slice(from))),
                );
              }
            spool.append(text);
            if (at % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
          }
          spool.end();
          reading.push(readAll(spool, 0).then((got) => expect(got).toEqual(lines)));
          await Promise.all(reading);
          await spool.remove();
        },
      ),
      { numRuns: 40 },
    );
  });

  it('answers silence to a reader that waits, then the line that comes', async () => {
    const spool = newSpool();
    const reader = new SpoolReader(spool, 0);
    expect(await reader.read(5)).toBe('silence');
    const next = reader.read(5_000);
    spool.append('one');
    expect(String(await next)).toBe('one\n');
    await reader.close();
    expect(await reader.read(5_000)).toBe('gone');
    await spool.remove();
  });

  it('wakes the readers it leaves without an end when it is removed', async () => {
    const spool = newSpool();
    const next = new SpoolReader(spool, 0).read(5_000);
    await spool.remove();
    expect(await next).toBe('gone');
  });

  it('never touches the disk where it is small and removed at once', async () => {
    const path = join(folder, 'small');
    const spool = newSpool(path);
    spool.append('a line');
    spool.end();
    await spool.remove();
    expect(await readdir(folder)).not.toContain('small');
  });

  it('keeps its lines in memory and says so when the disk refuses', async () => {
    const failure = Promise.withResolvers<unknown>();
    const spool = new Spool({
      path: join(folder, 'missing', 'spool'),
      onFailure: failure.resolve,
      onBacklog: () => undefined,
    });
    spool.append('x'.repeat(100_000));
    expect(String(await failure.promise)).toContain('ENOENT');
    spool.append('last');
    spool.end();
    expect(await readAll(spool, 1)).toEqual(['last']);
  });

  it('asks its writer to wait while the disk is behind', async () => {
    const marks: boolean[] = [];
    const done = Promise.withResolvers<void>();
    const spool = new Spool({
      path: join(folder, 'backlog'),
      onFailure: () => undefined,
      onBacklog: (full) => {
        marks.push(full);
        if (!full) done.resolve();
      },
    });
    for (let at = 0; at < 40; at += 1) spool.append('x'.repeat(100_000));
    await done.promise;
    expect(marks).toEqual([true, false]);
    await spool.remove();
  });
});

describe('the room that spools share', () => {
  it('is made by removing the oldest finished ones, never one that runs', async () => {
    const store = await SpoolStore.open(join(folder, 'store'), 1_000);
    const fill = () => {
      const spool = store.create(quiet);
      if (store.reserve(400)) store.count(spool.append('x'.repeat(399)));
      return spool;
    };
    const running = fill();
    const oldest = fill();
    store.finish(oldest);
    const newer = fill();
    expect([running.removed, oldest.removed, newer.removed]).toEqual([false, true, false]);
    expect(store.reserve(400)).toBe(false);
    store.finish(newer);
    expect(store.reserve(400)).toBe(true);
    expect(running.removed).toBe(false);
  });

  it('leaves what it is told to leave, but never more than half', async () => {
    const store = await SpoolStore.open(join(folder, 'left'), 1_000);
    expect(store.reserve(700, 300)).toBe(true);
    expect(store.reserve(701, 300)).toBe(false);
    expect(store.reserve(1_000)).toBe(true);
    expect(store.reserve(500, 5_000)).toBe(true);
    expect(store.reserve(501, 5_000)).toBe(false);
  });
});
