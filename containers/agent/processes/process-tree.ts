/**
 * What a program and all that it has started use, from /proc. A process belongs to it by its session or
 * by its parents: one that leaves both is not counted. What cannot be read is absent, never a guess.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Linux reports times in ticks of a 100th of a second, on every architecture. */
const TICK_MS = 10;
/** Positions after the name in /proc/PID/stat, which may itself hold spaces. */
const FIELD = { state: 0, parent: 1, session: 3, utime: 11 } as const;
const ZOMBIE = 'Z';

export interface TreeUsage {
  /** With children that were waited for. */
  readonly cpuUserMs: number;
  readonly cpuSystemMs: number;
  /** Memory that is no file's; what two processes share counts in each. */
  readonly memoryBytes: number;
  readonly processes: number;
}

type ProcessCounts = Omit<TreeUsage, 'memoryBytes'>;

interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly isZombie: boolean;
  readonly cpuUserMs: number;
  readonly cpuSystemMs: number;
}

export class ProcessTree {
  readonly #leader: number;
  /** As the last scan found them. */
  #members: readonly number[];

  constructor(leader: number) {
    this.#leader = leader;
    this.#members = [leader];
  }

  /** Of all that belongs to it now, or did at most `agedMs` ago. */
  scan(agedMs = 0): TreeUsage | undefined {
    const found = this.#membersOf(allProcesses(agedMs));
    this.#members = found.map(({ pid }) => pid);
    return this.#withMemory(found);
  }

  /** As {@link scan}, of those that it found last: in the time of one or two files. */
  read(): TreeUsage | undefined {
    return this.#withMemory(this.#last());
  }

  /** As {@link read}, without what they hold. */
  count(): ProcessCounts | undefined {
    return this.#sum(this.#last());
  }

  /** Of those that the last scan found: the leader, and forks of it that became no other program. */
  copies(): number {
    const command = commandOf(this.#leader);
    return this.#members.filter((pid) => command !== undefined && commandOf(pid) === command)
      .length;
  }

  #last(): ProcessFacts[] {
    return this.#members.map(readFacts).filter((facts) => facts !== undefined);
  }

  #membersOf(all: readonly ProcessFacts[]): ProcessFacts[] {
    const pids = new Set([this.#leader]);
    const belongs = ({ pid, parent, session }: ProcessFacts) =>
      pid === this.#leader || session === this.#leader || pids.has(parent);
    for (let before = -1; before !== pids.size; ) {
      before = pids.size;
      for (const facts of all) if (belongs(facts)) pids.add(facts.pid);
    }
    return all.filter(({ pid }) => pids.has(pid));
  }

  #withMemory(members: readonly ProcessFacts[]): TreeUsage | undefined {
    const counts = this.#sum(members);
    const memoryBytes = members.reduce((sum, { pid }) => sum + memoryOf(pid), 0);
    return counts && { ...counts, memoryBytes };
  }

  #sum(members: readonly ProcessFacts[]): ProcessCounts | undefined {
    if (!members.some(({ pid }) => pid === this.#leader)) return undefined;
    const total = (of: (facts: ProcessFacts) => number) =>
      members.reduce((sum, facts) => sum + of(facts), 0);
    return {
      cpuUserMs: total(({ cpuUserMs }) => cpuUserMs),
      cpuSystemMs: total(({ cpuSystemMs }) => cpuSystemMs),
      processes: members.filter(({ isZombie }) => !isZombie).length,
    };
  }
}

let snapshot = { atMs: Number.NEGATIVE_INFINITY, all: [] as readonly ProcessFacts[] };

/** Trees that are looked at together share one walk of /proc. */
function allProcesses(agedMs: number): readonly ProcessFacts[] {
  const now = performance.now();
  if (now - snapshot.atMs >= agedMs) {
    const all = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => readFacts(Number(name)))
      .filter((facts) => facts !== undefined);
    snapshot = { atMs: now, all };
  }
  return snapshot.all;
}

/** From here on the peak of that process counts anew. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Not allowed here, or the process is gone: the peak is then that of its whole life.
  }
}

/** The most memory that the process has held, with what it has of files. */
export function readPeak(pid: number): number | undefined {
  return kilobytesIn(read(`/proc/${pid}/status`) ?? '', 'VmHWM');
}

function readFacts(pid: number): ProcessFacts | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const times = fields.slice(FIELD.utime, FIELD.utime + 4).map((ticks) => Number(ticks) * TICK_MS);
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = times;
  return {
    pid,
    parent: Number(fields[FIELD.parent]),
    session: Number(fields[FIELD.session]),
    isZombie: fields[FIELD.state] === ZOMBIE,
    cpuUserMs: user + childUser,
    cpuSystemMs: system + childSystem,
  };
}

function commandOf(pid: number): string | undefined {
  return read(`/proc/${pid}/cmdline`);
}

function memoryOf(pid: number): number {
  const status = read(`/proc/${pid}/status`) ?? '';
  const own = kilobytesIn(status, 'RssAnon');
  // Not every kernel tells the two apart.
  if (own === undefined) return kilobytesIn(status, 'VmRSS') ?? 0;
  return own + (kilobytesIn(status, 'RssShmem') ?? 0);
}

function kilobytesIn(status: string, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  return found === undefined ? undefined : Number(found) * 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
