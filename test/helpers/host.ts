/** This machine as /proc shows it: which processes belong to one, and on which addresses they listen. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface Listener {
  readonly address: string;
  readonly port: number;
  /** Names this socket, whoever else takes the port later. */
  readonly inode: string;
}

const LISTEN = '0A';
/** A zombie, and what is on its way there. */
const ENDED = ['Z', 'X'];

/** IPv4 sockets of this machine on which somebody listens. */
export function listeners(): Listener[] {
  const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN)
    .map((fields) => ({ ...parseAddress(fields[1] ?? ''), inode: fields[9] ?? '' }));
}

/** Those of one process; needs its user or root. */
export function listenersOf(pid: number): Listener[] {
  const own = new Set(
    entries(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        // Closed between the listing and the look.
        return undefined;
      }
    }),
  );
  return listeners().filter(({ inode }) => own.has(inode));
}

/** `0100007F:1F90`: the address is little-endian. */
function parseAddress(text: string): Pick<Listener, 'address' | 'port'> {
  const [address = '', port = ''] = text.split(':');
  const bytes = address.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
  return { address: bytes.reverse().join('.'), port: Number.parseInt(port, 16) };
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  /** With the id it is never given twice. */
  readonly started: string;
}

/** A process and all that descend from it, without those that have ended and only wait to be asked for it. */
export function familyOf(ancestor: number): Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => processOf(pid) ?? []);
  const found = new Set([ancestor]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid, state }) => found.has(pid) && !ENDED.includes(state));
}

export function isAlive({ pid, started }: Process): boolean {
  const now = processOf(String(pid));
  return now?.started === started && !ENDED.includes(now.state);
}

function processOf(pid: string): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state = '', parent] = fields;
    return { pid: Number(pid), parent: Number(parent), state, started: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

/**
 * What a stack has on this machine beside its processes, by the name that each of its parts bears:
 * control groups and run folders begin with its process id, sockets and mounts lie below its folder.
 */
export function tracesOf(pid: number, directory: string): string[] {
  const isOurs = (name: string) => name.startsWith(`${pid}-`);
  const places = [
    join(directory, 'run'),
    '/var/lib/code-interpreter',
    ...['', ...entries('/sys/fs/cgroup')].map((tree) => `/sys/fs/cgroup/${tree}/code-interpreter`),
  ];
  const folders = places.flatMap((place) =>
    entries(place)
      .filter(isOurs)
      .map((name) => join(place, name)),
  );
  const lines = ['/proc/self/mountinfo', '/proc/net/unix']
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter((line) => line.includes(directory) || line.includes(`/${pid}-`));
  return [...folders, ...lines];
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
