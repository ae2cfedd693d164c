/**
 * Which users of this machine a task's users are. Inside, uid 0 is the agent and 1000 is user code;
 * outside, no two tasks share one, so neither a limit nor a signal of one reaches another.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { firstUidOfSlot, UIDS_PER_SLOT } from './slots.ts';

const run = promisify(execFile);

/** The uids that anything inside ever has: user code, and the launcher's guard while it kills. */
const INSIDE_IDS = [1000, 65_533] as const;

export interface Identity {
  /** Whom bwrap is started as; undefined is whoever we are. */
  readonly startAs: { readonly uid: number; readonly gid: number } | undefined;
  /** Writes the maps of a new user namespace. */
  map(pid: number): Promise<void>;
}

export interface Identities {
  readonly name: string;
  /** True where bwrap runs as a user who may not go where we may. */
  readonly areForeign: boolean;
  ofSlot(slot: number): Identity;
}

/**
 * As root. bwrap itself never runs as root: it would map root of this machine into the sandbox.
 */
export const rootIdentities: Identities = {
  name: 'as root',
  areForeign: true,
  ofSlot(slot) {
    const base = firstUidOfSlot(slot);
    return {
      startAs: { uid: base, gid: base },
      async map(pid) {
        const map = `0 ${base} ${UIDS_PER_SLOT}\n`;
        await writeFile(`/proc/${pid}/uid_map`, map);
        await writeFile(`/proc/${pid}/gid_map`, map);
      },
    };
  },
};

/** As anyone else, by the set-uid helpers newuidmap and newgidmap and the ranges given to that user. */
export function subordinateIdentities(): Identities {
  const { username, uid, gid } = userInfo();
  const uids = subordinateRange('/etc/subuid', [username, String(uid)]);
  const gids = subordinateRange('/etc/subgid', [username, String(uid)]);
  return {
    name: 'by newuidmap',
    areForeign: false,
    ofSlot: (slot) => ({
      startAs: undefined,
      async map(pid) {
        await run('newuidmap', [String(pid), ...triples(uid, uids, slot)]);
        await run('newgidmap', [String(pid), ...triples(gid, gids, slot)]);
      },
    }),
  };
}

export interface IdRange {
  readonly start: number;
  readonly count: number;
}

/** Arguments of newuidmap: root inside is the user; the others are ids of the user's range, two a slot. */
export function triples(self: number, range: IdRange, slot: number): string[] {
  const places = Math.floor(range.count / INSIDE_IDS.length);
  const first = range.start + (slot % places) * INSIDE_IDS.length;
  const others = INSIDE_IDS.flatMap((inside, index) => [inside, first + index, 1]);
  return [0, self, 1, ...others].map(String);
}

export function subordinateRange(path: string, names: readonly string[]): IdRange {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  for (const line of text.split('\n')) {
    const [name = '', start, count] = line.split(':');
    if (names.includes(name) && Number(count) >= INSIDE_IDS.length) {
      return { start: Number(start), count: Number(count) };
    }
  }
  throw new Error(
    `${path} has no range for ${names[0]}: run \`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${names[0]}\` as root`,
  );
}
