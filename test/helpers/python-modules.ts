/** Which modules of Python the agents of this run have: those of this machine, or those that the image promises. */
import { execFileSync } from 'node:child_process';
import { shape } from './agent-process.ts';

/** A finder's answer, not an import: some take half a second. */
const FIND = 'import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))';

/** In the image nothing is left out: what is not there fails its test. */
export function hasModules(...names: readonly string[]): boolean {
  if (shape.shape !== 'host') return true;
  try {
    execFileSync('/usr/bin/python3', ['-I', '-c', FIND, ...names], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
