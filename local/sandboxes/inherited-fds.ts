/**
 * Descriptors that whoever started us left open for our children too. A shell or a test runner may hold
 * a terminal or a pipe of this machine in one; none of them may be open inside a sandbox.
 */
import { readdirSync, readFileSync } from 'node:fs';

const O_CLOEXEC = 0o2_000_000;
const STANDARD = 2;

export function inheritedFds(): number[] {
  return readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((fd) => fd > STANDARD && !closesOnExec(fd));
}

function closesOnExec(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
    return (Number.parseInt(flags ?? '0', 8) & O_CLOEXEC) !== 0;
  } catch {
    // It was the one that read the folder.
    return true;
  }
}
