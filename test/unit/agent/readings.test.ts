/** What is read of the sandbox where it has a cgroup of the first version. */
import type * as Fs from 'node:fs';
import type * as Os from 'node:os';
import { expect, it, vi } from 'vitest';
import { readResources } from '../../../containers/agent/metrics/readings.ts';

const { files } = vi.hoisted(() => ({ files: new Map<string, string>() }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  const readFileSync = (path: string, ...rest: []) => {
    if (!path.startsWith('/sys/fs/cgroup')) return fs.readFileSync(path, ...rest);
    const text = files.get(path);
    if (text === undefined) throw new Error('ENOENT');
    return text;
  };
  return { ...fs, readFileSync };
});
vi.mock('node:os', async (original) => ({
  ...(await original<typeof Os>()),
  availableParallelism: () => 8,
}));

const cpuCount = async (quota: string, period: string) => {
  files.set('/sys/fs/cgroup/cpu/cpu.cfs_quota_us', quota);
  files.set('/sys/fs/cgroup/cpu/cpu.cfs_period_us', period);
  return (await readResources('/', { memoryBytes: undefined })).cpuCount;
};

it('its processors are those of its quota, or all where it has none', async () => {
  expect(await cpuCount('150000\n', '100000\n')).toBe(1.5);
  expect(await cpuCount('-1\n', '100000\n')).toBe(8);
});
