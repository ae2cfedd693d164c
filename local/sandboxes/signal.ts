/** Signals to processes of sandboxes, which may end by themselves at any moment. */
import { codeOf } from './errors.ts';

export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}
