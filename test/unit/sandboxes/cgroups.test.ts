import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sweepCgroups } from '../../../local/sandboxes/cgroups/cgroup.ts';
import { type CgroupFacts, detectCgroups } from '../../../local/sandboxes/cgroups/detect.ts';
import { cgroupsV1 } from '../../../local/sandboxes/cgroups/v1.ts';
import { cgroupsV2 } from '../../../local/sandboxes/cgroups/v2.ts';

const limits = { memoryBytes: 2 ** 28, vcpu: 0.25, processes: 100 };
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cgroups-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');

describe('version 2', () => {
  /** The files that the kernel would make with a group. */
  function makeGroup(...path: string[]): void {
    mkdirSync(join(root, ...path), { recursive: true });
    writeFileSync(join(root, ...path, 'cgroup.subtree_control'), '');
  }

  beforeEach(() => {
    makeGroup();
    makeGroup('code-interpreter');
    makeGroup('code-interpreter', 'owner');
  });

  it('hands the controllers down every level above a task, and not below', async () => {
    await cgroupsV2(root).create('owner', 'task', limits);
    for (const level of [[], ['code-interpreter'], ['code-interpreter', 'owner']]) {
      expect(read(...level, 'cgroup.subtree_control')).toBe('+cpu +memory +pids');
    }
  });

  it('asks only for controllers that are not there yet', async () => {
    writeFileSync(join(root, 'cgroup.subtree_control'), 'cpuset cpu io memory pids\n');
    writeFileSync(join(root, 'code-interpreter', 'cgroup.subtree_control'), 'memory\n');
    await cgroupsV2(root).create('owner', 'task', limits);
    expect(read('cgroup.subtree_control')).toBe('cpuset cpu io memory pids\n');
    expect(read('code-interpreter', 'cgroup.subtree_control')).toBe('+cpu +pids');
  });

  it('writes the limits and the process', async () => {
    const group = await cgroupsV2(root).create('owner', 'task', limits);
    await group.add(4711);
    const file = (name: string): string => read('code-interpreter', 'owner', 'task', name);
    expect(file('memory.max')).toBe('268435456');
    expect(file('cpu.max')).toBe('25000 100000');
    expect(file('pids.max')).toBe('100');
    expect(file('cgroup.procs')).toBe('4711');
  });

  it('counts what was ended for want of memory', async () => {
    const group = await cgroupsV2(root).create('owner', 'task', limits);
    const events = join(root, 'code-interpreter', 'owner', 'task', 'memory.events');
    writeFileSync(events, 'low 0\nhigh 3\nmax 12\noom 2\noom_kill 5\noom_group_kill 1\n');
    expect(await group.outOfMemoryKills()).toBe(5);
  });

  it('lists owners and their tasks', async () => {
    const groups = cgroupsV2(root);
    await groups.create('owner', 'one', limits);
    await groups.create('owner', 'two', limits);
    expect(await groups.list()).toEqual(['owner']);
    expect((await groups.list('owner')).sort()).toEqual(['one', 'two']);
  });
});

describe('version 1', () => {
  const mounts = () => ({
    memory: join(root, 'memory'),
    cpu: join(root, 'cpu'),
    pids: join(root, 'pids'),
    freezer: join(root, 'freezer'),
  });

  it('writes each limit into the tree of its controller, and the process into all', async () => {
    const group = await cgroupsV1(mounts()).create('owner', 'task', limits);
    await group.add(4711);
    const file = (tree: string, name: string): string =>
      read(tree, 'code-interpreter', 'owner', 'task', name);
    expect(file('memory', 'memory.limit_in_bytes')).toBe('268435456');
    expect(file('cpu', 'cpu.cfs_quota_us')).toBe('25000');
    expect(file('pids', 'pids.max')).toBe('100');
    for (const tree of Object.keys(mounts())) expect(file(tree, 'cgroup.procs')).toBe('4711');
  });
});

it('a sweep ends the tasks of dead owners and lets the living be', async () => {
  const done: string[] = [];
  const say = async (text: string): Promise<void> => void done.push(text);
  await sweepCgroups(
    {
      version: 2,
      create: () => Promise.reject(new Error('a sweep makes nothing')),
      open: (owner, task) => ({
        add: () => say('add'),
        outOfMemoryKills: () => Promise.resolve(0),
        killAll: () => say(`kill ${owner}/${task}`),
        remove: () => say(`remove ${owner}/${task}`),
      }),
      list: (owner) => Promise.resolve(owner === undefined ? ['dead', 'living'] : ['task']),
      removeOwner: (owner) => say(`remove ${owner}`),
    },
    (owner) => owner === 'dead',
  );
  expect(done).toEqual(['kill dead/task', 'remove dead/task', 'remove dead']);
});

describe('which version is used', () => {
  const v1 = ['memory', 'cpu,cpuacct', 'pids', 'freezer'].map(
    (name) => `31 24 0:27 / /sys/fs/cgroup/${name} rw - cgroup cgroup rw,${name}`,
  );
  const v2 = '30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';
  const facts = (changes: Partial<CgroupFacts>): CgroupFacts => ({
    mountinfo: v2,
    own: '0::/user.slice/user-7.slice/user@7.service/app.slice/shell.scope\n',
    isWritable: () => true,
    ...changes,
  });

  it('is 1 where its controllers are mounted, as on hybrid hosts', () => {
    const hybrid = [...v1, v2.replace('/sys/fs/cgroup', '/sys/fs/cgroup/unified')].join('\n');
    expect(detectCgroups(facts({ mountinfo: hybrid }))?.version).toBe(1);
  });

  it('is 2 where one controller of 1 is missing or closed to us', () => {
    const partial = [...v1.slice(1), v2].join('\n');
    expect(detectCgroups(facts({ mountinfo: partial }))?.version).toBe(2);
    const isWritable = (path: string): boolean => !path.endsWith('/memory');
    const both = [...v1, v2].join('\n');
    expect(detectCgroups(facts({ mountinfo: both, isWritable }))?.version).toBe(2);
  });

  it('is 2 for a user below the highest group that was handed to them', () => {
    const asked: string[] = [];
    const mine = '/sys/fs/cgroup/user.slice/user-7.slice/user@7.service';
    const isWritable = (path: string): boolean => {
      asked.push(path);
      return path.startsWith(mine);
    };
    expect(detectCgroups(facts({ isWritable }))?.version).toBe(2);
    expect(asked.at(-1)).toBe(`${mine}/cgroup.subtree_control`);
    expect(asked[0]).toBe('/sys/fs/cgroup/cgroup.subtree_control');
  });

  it('is none where nothing may be written, and where nothing is mounted', () => {
    expect(detectCgroups(facts({ isWritable: () => false }))).toBeUndefined();
    expect(detectCgroups(facts({ mountinfo: '' }))).toBeUndefined();
  });
});
