import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explain } from '../../../local/sandboxes/explain.ts';
import { addressOfSlot } from '../../../local/sandboxes/forwarder.ts';
import { subordinateRange, triples } from '../../../local/sandboxes/identity.ts';
import { readImage } from '../../../local/sandboxes/image.ts';
import { isStaleOwner, newOwnerName } from '../../../local/sandboxes/owner.ts';
import { copyReadable, isReachable } from '../../../local/sandboxes/reach.ts';
import { firstUidOfSlot, UIDS_PER_SLOT } from '../../../local/sandboxes/slots.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'parts-'));
  chmodSync(directory, 0o755);
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const slots = fc.integer({ min: 1, max: 16_383 });

describe('a slot', () => {
  it('is an address of 127.64.0.0/10 and a range of uids of its own', () => {
    fc.assert(
      fc.property(slots, slots, (one, other) => {
        const [first, second] = addressOfSlot(one).split('.').map(Number);
        expect([first, (second ?? 0) >> 6]).toEqual([127, 1]);
        expect(firstUidOfSlot(one) + UIDS_PER_SLOT).toBeLessThan(2 ** 31);
        if (one === other) return;
        expect(addressOfSlot(one)).not.toBe(addressOfSlot(other));
        const apart = Math.abs(firstUidOfSlot(one) - firstUidOfSlot(other));
        expect(apart).toBeGreaterThanOrEqual(UIDS_PER_SLOT);
      }),
    );
  });
});

describe('subordinate ids', () => {
  it('are never shared by two slots of one range, and never leave it', () => {
    const range = { start: 100_000, count: 65_536 };
    fc.assert(
      fc.property(slots, slots, (one, other) => {
        const outside = (slot: number): number[] =>
          triples(1000, range, slot)
            .filter((_, index) => index % 3 === 1)
            .map(Number)
            .slice(1);
        for (const id of outside(one)) {
          expect(id).toBeGreaterThanOrEqual(range.start);
          expect(id).toBeLessThan(range.start + range.count);
          if (one !== other) expect(outside(other)).not.toContain(id);
        }
      }),
    );
  });

  it('are those of the user, by name or by number', () => {
    const path = join(directory, 'subuid');
    writeFileSync(path, 'somebody:1:65536\nme:200000:1\n1234:300000:65536\n');
    expect(subordinateRange(path, ['me', '1234'])).toEqual({ start: 300_000, count: 65_536 });
    expect(() => subordinateRange(path, ['nobody'])).toThrow(/no range for nobody: run `usermod/);
  });
});

describe('image.json', () => {
  const write = (content: unknown): void =>
    writeFileSync(join(directory, 'image.json'), JSON.stringify(content));
  const good = { version: 1, binds: [], entrypoint: ['/bin/true'], environment: { A: 'b' } };

  it('is read', async () => {
    write({ ...good, binds: [{ from: 'a/b', to: '/opt/b' }] });
    const image = await readImage(directory);
    expect(image.binds).toEqual([{ from: 'a/b', to: '/opt/b', rootOnly: false }]);
  });

  it.each([
    ['another version', { ...good, version: 2 }, 'version'],
    ['no program', { ...good, entrypoint: [] }, 'entrypoint'],
    ['an odd name', { ...good, environment: { 'A=B': '' } }, 'environment'],
    ['a file of this machine', { ...good, binds: [{ from: '/etc/shadow', to: '/a' }] }, 'from'],
    ['a way out', { ...good, binds: [{ from: 'a/../../b', to: '/a' }] }, 'from'],
    ['a place over all', { ...good, binds: [{ from: 'a', to: '/' }] }, 'to'],
    ['an odd place', { ...good, binds: [{ from: 'a', to: '/opt/../etc' }] }, 'to'],
    ['more than is known', { ...good, privileged: true }, 'privileged'],
  ])('is refused with %s', async (_, content, field) => {
    write(content);
    await expect(readImage(directory)).rejects.toThrow(field);
  });
});

describe('the name of an owner', () => {
  it('is not stale while its process lives', () => {
    expect(isStaleOwner(newOwnerName())).toBe(false);
  });

  it('is stale when the process is another one now, or gone', () => {
    const [pid, start, namespace, random] = newOwnerName().split('-');
    expect(isStaleOwner([pid, Number(start) + 1, namespace, random].join('-'))).toBe(true);
    expect(isStaleOwner([2 ** 22 + 1, start, namespace, random].join('-'))).toBe(true);
  });

  it('is left alone when it is of another pid namespace, or not ours at all', () => {
    const [, start, , random] = newOwnerName().split('-');
    expect(isStaleOwner([2 ** 22 + 1, start, 4711, random].join('-'))).toBe(false);
    for (const name of ['', 'tasks', '1-2', '1-2-3-zzzzzz']) expect(isStaleOwner(name)).toBe(false);
  });
});

describe('a folder', () => {
  it('is reachable if everyone may pass through every folder above', () => {
    mkdirSync(join(directory, 'a', 'b'), { recursive: true });
    expect(isReachable(join(directory, 'a', 'b'))).toBe(true);
    chmodSync(join(directory, 'a'), 0o750);
    expect(isReachable(join(directory, 'a', 'b'))).toBe(false);
  });

  it('is copied so that everyone may read, and its own rights stay', async () => {
    const from = join(directory, 'from');
    mkdirSync(join(from, 'deep'), { recursive: true, mode: 0o700 });
    writeFileSync(join(from, 'open'), '', { mode: 0o644 });
    writeFileSync(join(from, 'deep', 'program'), '', { mode: 0o700 });
    await copyReadable(from, join(directory, 'to'));
    const mode = (...path: string[]): number => statSync(join(directory, ...path)).mode & 0o777;
    expect(mode('to', 'deep')).toBe(0o755);
    expect(mode('to', 'deep', 'program')).toBe(0o744);
    expect(mode('from', 'deep', 'program')).toBe(0o700);
    expect(statSync(join(from, 'open')).ino).toBe(statSync(join(directory, 'to', 'open')).ino);
  });
});

describe('what the kernel says', () => {
  const free = { appArmorRestrictsUserNamespaces: false };
  const ubuntu = { appArmorRestrictsUserNamespaces: true };

  it.each([
    ['spawn /usr/bin/bwrap ENOENT', free, 'apt-get install bubblewrap'],
    [
      'bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)',
      free,
      'user.max_user_namespaces',
    ],
    ['bwrap: Creating new namespace failed: Operation not permitted', free, 'seccomp=unconfined'],
    ['bwrap: No permissions to create new namespace, likely because', free, 'unprivileged_userns'],
    ['bwrap: setting up uid map: Permission denied', ubuntu, '/etc/apparmor.d/bwrap'],
    ['bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted', ubuntu, 'apparmor_restrict'],
    ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", free, 'systempaths'],
    ['/etc/subuid has no range for me: newuidmap', free, '/etc/subuid'],
  ])('%s: is turned into what to do', (message, settings, remedy) => {
    const { reason, remedy: told } = explain(message, settings);
    expect(told).toContain(remedy);
    expect(reason).toContain(message);
  });

  it('is passed on as it is when nobody knows it', () => {
    expect(explain('something new', free).reason).toBe('something new');
  });
});
