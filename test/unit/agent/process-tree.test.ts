/** How often /proc is walked for what runs use. */
import type * as Fs from 'node:fs';
import { readdirSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { ProcessTree } from '../../../containers/agent/processes/process-tree.ts';

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  return { ...fs, readdirSync: vi.fn(fs.readdirSync) };
});

const walks = () => vi.mocked(readdirSync).mock.calls.length;

it('trees that are looked at together share one walk, and one that asks for the present has its own', () => {
  const [one, other] = [new ProcessTree(process.pid), new ProcessTree(process.ppid)];
  one.scan();
  const before = walks();
  expect(one.scan(60_000)?.processes).toBeGreaterThan(0);
  expect(other.scan(60_000)?.processes).toBeGreaterThan(0);
  expect(walks()).toBe(before);
  expect(one.scan()?.memoryBytes).toBeGreaterThan(0);
  expect(walks()).toBe(before + 1);
});

it('what it has used is told without a walk', () => {
  const tree = new ProcessTree(process.pid);
  const before = walks();
  expect(tree.count()).toEqual({
    cpuUserMs: expect.any(Number),
    cpuSystemMs: expect.any(Number),
    processes: 1,
  });
  expect(walks()).toBe(before);
});
