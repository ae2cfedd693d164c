/** This machine as /proc shows it: which processes belong to one, and on which addresses they listen. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Listener {
  readonly address: string;
  readonly port: number;
}

const LISTEN = '0A';

/** IPv4 sockets on which one process listens; needs its user or root. */
export function listenersOf(pid: number): Listener[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        // Closed between the listing and the look.
        return undefined;
      }
    }),
  );
  const rows = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').trim().split('\n').slice(1);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN && inodes.has(fields[9]))
    .map((fields) => parseAddress(fields[1] ?? ''));
}

/** `0100007F:1F90`: the address is little-endian. */
function parseAddress(text: string): Listener {
  const [address = '', port = ''] = text.split(':');
  const bytes = address.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
  return { address: bytes.reverse().join('.'), port: Number.parseInt(port, 16) };
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
}

/** Processes that descend from one, without those that have ended and wait to be asked for it. */
export function descendantsOf(ancestor: number): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => processOf(pid) ?? []);
  const found = new Set([ancestor]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all
    .filter(({ pid, state }) => pid !== ancestor && found.has(pid) && state !== 'Z')
    .map(({ pid }) => pid);
}

export function isAlive(pid: number): boolean {
  const state = processOf(String(pid))?.state;
  return state !== undefined && state !== 'Z';
}

function processOf(pid: string): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may hold anything.
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid: Number(pid), parent: Number(parent), state };
  } catch {
    return undefined;
  }
}
