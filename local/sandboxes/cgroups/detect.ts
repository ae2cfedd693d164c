/**
 * Finds out which control groups this process may use, from the kernel's own list of mounts.
 * Must never change anything: whether the groups really work is for the probe to see.
 */
import { accessSync, constants, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Cgroups } from './cgroup.ts';
import { type ControllerMounts, cgroupsV1 } from './v1.ts';
import { cgroupsV2 } from './v2.ts';

export interface CgroupFacts {
  /** Text of /proc/self/mountinfo. */
  readonly mountinfo: string;
  /** Text of /proc/self/cgroup. */
  readonly own: string;
  readonly isWritable: (path: string) => boolean;
}

export function detectCgroups(facts: CgroupFacts = readFacts()): Cgroups | undefined {
  const mounts = parseMounts(facts.mountinfo);
  const first = findV1(mounts);
  if (first !== undefined && Object.values(first).every((path) => facts.isWritable(String(path)))) {
    return cgroupsV1(first);
  }
  const second = findV2(mounts, facts);
  return second === undefined ? undefined : cgroupsV2(second);
}

interface Mount {
  readonly path: string;
  readonly type: string;
  readonly options: ReadonlySet<string>;
}

function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    // … mount point … - type source super-options
    const [left = '', right = ''] = line.split(' - ');
    const path = left.split(' ')[4];
    const [type = '', , options = ''] = right.split(' ');
    return path?.startsWith('/') ? [{ path, type, options: new Set(options.split(',')) }] : [];
  });
}

function findV1(mounts: readonly Mount[]): ControllerMounts | undefined {
  const at = (controller: string): string | undefined =>
    mounts.find((mount) => mount.type === 'cgroup' && mount.options.has(controller))?.path;
  const [memory, cpu, pids, freezer] = ['memory', 'cpu', 'pids', 'freezer'].map(at);
  return memory && cpu && pids && freezer ? { memory, cpu, pids, freezer } : undefined;
}

/**
 * Root uses the top of the tree. Anyone else uses the highest group above their own that was handed to
 * them (under systemd the service of the user's session); their own group holds processes, so it cannot
 * hand controllers down.
 */
function findV2(mounts: readonly Mount[], facts: CgroupFacts): string | undefined {
  const mount = mounts.find((candidate) => candidate.type === 'cgroup2');
  if (mount === undefined) return undefined;
  const own = /^0::(\/.*)$/m.exec(facts.own)?.[1] ?? '/';
  const levels = [mount.path];
  for (let path = dirname(own); path !== '/'; path = dirname(path)) {
    levels.splice(1, 0, join(mount.path, path));
  }
  return levels.find((level) => facts.isWritable(join(level, 'cgroup.subtree_control')));
}

function readFacts(): CgroupFacts {
  return {
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    own: readFileSync('/proc/self/cgroup', 'utf8'),
    isWritable: (path) => {
      try {
        accessSync(path, constants.W_OK);
        return true;
      } catch {
        return false;
      }
    },
  };
}
