import { describe, expect, it } from 'vitest';
import { ensureHost, type Host, REQUIRED, REQUIRED_BY_TESTS } from '../../../local/cli/setup.ts';

/** A machine of which only the files matter; installing a package makes its first file. */
function machine(without: readonly string[], changes: Partial<Host> = {}) {
  const files = new Set(['/usr/bin/apt-get']);
  const add = (name: string): void => {
    const file = REQUIRED_BY_TESTS[name]?.[0];
    if (file !== undefined) files.add(file);
  };
  Object.keys(REQUIRED)
    .filter((name) => !without.includes(name))
    .forEach(add);
  const ran: string[] = [];
  const said: string[] = [];
  const host: Host = {
    exists: (path) => files.has(path),
    isRoot: true,
    run: (command, args) => {
      ran.push([command, ...args].join(' '));
      args.forEach(add);
      return Promise.resolve();
    },
    lock: () => {
      ran.push('lock');
      return Promise.resolve(() => void ran.push('unlock'));
    },
    ...changes,
  };
  const ensure = (allow = true, packages = REQUIRED): Promise<boolean> =>
    ensureHost({ allow, host, packages, log: (message) => void said.push(message) });
  return { ensure, ran, said, add };
}

describe('a machine that has everything', () => {
  it('is asked for nothing but its files, and told nothing', async () => {
    const { ensure, ran, said } = machine([]);
    expect(await ensure()).toBe(true);
    expect([ran, said]).toEqual([[], []]);
  });
});

describe('a machine where something is missing', () => {
  const without = ['bubblewrap', 'python3-numpy'];
  const command = 'apt-get install -y --no-install-recommends';

  it('gets just that, after the lists, under the lock', async () => {
    const { ensure, ran, said } = machine(without);
    expect(await ensure()).toBe(true);
    const wait = '-o DPkg::Lock::Timeout=300';
    expect(ran).toEqual([
      'lock',
      `apt-get update ${wait}`,
      `${command} ${wait} bubblewrap python3-numpy`,
      'unlock',
    ]);
    expect(said[0]).toContain('bubblewrap, python3-numpy');
    expect(said[1]).toMatch(/^installed in \d+ s$/);
  });

  it('gets nothing when another start installed it while this one waited', async () => {
    const busy = machine(without, {
      lock: () => {
        without.forEach((name) => busy.add(name));
        return Promise.resolve(() => undefined);
      },
    });
    expect(await busy.ensure()).toBe(true);
    expect(busy.ran).toEqual([]);
  });

  it('installs from the lists that are there when they cannot be renewed', async () => {
    const offline = machine(without, {
      run: (_, args) => {
        if (args[0] === 'update') return Promise.reject(new Error('no route'));
        args.forEach((name) => offline.add(name));
        return Promise.resolve();
      },
    });
    expect(await offline.ensure()).toBe(true);
    expect(offline.said.join('\n')).toContain('no route');
  });

  it('gets what the tests need beside only for them', async () => {
    const { ensure, ran } = machine(['curl']);
    expect(await ensure()).toBe(true);
    expect(ran).toEqual([]);
    expect(await ensure(true, REQUIRED_BY_TESTS)).toBe(true);
    expect(ran[2]).toMatch(/ curl$/);
  });

  it('lets the next one in when installing fails', async () => {
    const broken = machine(without, { run: () => Promise.reject(new Error('disk full')) });
    await expect(broken.ensure()).rejects.toThrow('disk full');
    expect(broken.ran).toEqual(['lock', 'unlock']);
  });

  it.each([
    ['installing is forbidden', false, {}, "sh -c 'apt-get update"],
    ['we are not root', true, { isRoot: false }, "sudo sh -c 'apt-get update"],
    ['it is neither Debian nor Ubuntu', true, { exists: () => false }, 'what your system calls'],
  ])('is only told what to do where %s', async (_, allow, changes, advice) => {
    const { ensure, ran, said } = machine(without, changes);
    expect(await ensure(allow)).toBe(false);
    expect(ran).toEqual([]);
    expect(said).toHaveLength(2);
    expect(said[1]).toContain(advice);
  });
});
