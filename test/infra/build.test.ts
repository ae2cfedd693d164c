import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint } from '../../local/cli/build/fingerprint.ts';
import { withLock } from '../../local/cli/build/lock.ts';
import { makeIfChanged } from '../../local/cli/build/target.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'build-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a fingerprint', () => {
  const of = (salt = '') => fingerprint(folder, [join(folder, 'tree'), join(folder, 'none')], salt);

  beforeEach(async () => {
    await mkdir(join(folder, 'tree/deep'), { recursive: true });
    await writeFile(join(folder, 'tree/a.ts'), 'a');
    await writeFile(join(folder, 'tree/deep/b.ts'), 'b');
  });

  it('stays while bytes and names stay', async () => {
    const before = await of();
    await writeFile(join(folder, 'tree/a.ts'), 'a');
    expect(await of()).toBe(before);
  });

  it('changes with a byte, a name, a new file and what else the result depends on', async () => {
    const seen = [await of(), await of('other')];
    await writeFile(join(folder, 'tree/deep/b.ts'), 'c');
    seen.push(await of());
    await rm(join(folder, 'tree/deep/b.ts'));
    await writeFile(join(folder, 'tree/deep/c.ts'), 'c');
    seen.push(await of());
    await writeFile(join(folder, 'tree/deep/d.ts'), '');
    seen.push(await of());
    expect(new Set(seen).size).toBe(seen.length);
  });
});

describe('a lock', () => {
  it('lets one at a time in', async () => {
    const lock = join(folder, 'lock');
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 5 }, () =>
        withLock(lock, async () => {
          most = Math.max(most, ++inside);
          await new Promise(setImmediate);
          inside--;
        }),
      ),
    );
    expect(most).toBe(1);
  });

  it('opens when its holder fails', async () => {
    const lock = join(folder, 'lock');
    const failing = withLock(lock, () => Promise.reject(new Error('disk full')));
    await expect(failing).rejects.toThrow('disk full');
    expect(await withLock(lock, async () => 'in')).toBe('in');
  });

  it('is taken over from a holder that died', async () => {
    const lock = join(folder, 'lock');
    const { pid } = spawnSync(process.execPath, ['--version']);
    await writeFile(lock, String(pid));
    expect(await withLock(lock, async () => 'in')).toBe('in');
  });
});

describe('a target', () => {
  const lines: string[] = [];
  const targetOf = (made: string[]) => ({
    name: `test-${folder.split('/').at(-1)}`,
    inputs: [],
    salt: folder,
    outputs: [join(folder, 'out.txt')],
    make: async () => {
      made.push('made');
      await writeFile(join(folder, 'out.txt'), 'out');
      return '1 file';
    },
  });

  it('is made once, and again when what it made is gone', async () => {
    const made: string[] = [];
    const target = targetOf(made);
    const stamps = join(folder, 'stamps');
    const make = () => makeIfChanged(target, (line) => lines.push(line), stamps);
    expect(await make()).toBe(true);
    expect(await make()).toBe(false);
    await rm(join(folder, 'out.txt'));
    expect(await make()).toBe(true);
    expect(made).toHaveLength(2);
    expect(lines[0]).toMatch(/^built test-.*: 1 file in \d+ ms$/);
  });

  it('that failed is not taken for made', async () => {
    const stamps = join(folder, 'stamps');
    const target = targetOf([]);
    const broken = { ...target, make: () => Promise.reject(new Error('no compiler')) };
    await writeFile(join(folder, 'out.txt'), 'half');
    await expect(makeIfChanged(broken, () => {}, stamps)).rejects.toThrow('no compiler');
    expect(await makeIfChanged(target, () => {}, stamps)).toBe(true);
    expect(await readFile(join(folder, 'out.txt'), 'utf8')).toBe('out');
  });
});
