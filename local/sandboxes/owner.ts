/**
 * The name under which one driver keeps what it makes on the host, so that a later one can tell what
 * a dead one has left. Must never call a living driver's name stale, also not one of another container.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/** Process id, its start time and its pid namespace: together they are never given twice. */
export function newOwnerName(): string {
  const random = randomBytes(3).toString('hex');
  return `${process.pid}-${startTime(process.pid) ?? 0}-${pidNamespace()}-${random}`;
}

export function isStaleOwner(name: string): boolean {
  const [, pid, start, namespace] = /^(\d+)-(\d+)-(\d+)-[0-9a-f]{6}$/.exec(name) ?? [];
  if (pid === undefined || namespace !== pidNamespace()) return false;
  return startTime(Number(pid)) !== start;
}

/** Undefined when there is no such process, or nothing of it but an exit code that nobody has read. */
export function startTime(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function pidNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
}
