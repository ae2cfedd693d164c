/** Whether the events that were read are all that there were: each seq once, in order, to the end. */
import type { Event } from '../../contract/events.ts';
import { Problem } from '../shared/problem.ts';

/** @throws {Problem} naming the first that is missing, doubled or out of order */
export function assertWhole(events: readonly Event[], expected: { stdout: string }): void {
  for (const [at, { seq }] of events.entries()) {
    const wanted = at + 1;
    if (seq !== wanted)
      throw new Problem(
        seq > wanted
          ? `events were lost: after seq ${wanted - 1} came ${seq}`
          : `seq ${seq} came again where ${wanted} was due`,
      );
  }
  const last = events.at(-1);
  if (last?.type !== 'finished')
    throw new Problem(
      `the log ends with ${last?.type ?? 'nothing'} at seq ${last?.seq ?? 0}, not with finished`,
    );
  if (last.outcome !== 'ok') throw new Problem(`the code ended as ${last.outcome}, not ok`);
  const stdout = events
    .flatMap((event) => (event.type === 'stdout' ? [event.text ?? ''] : []))
    .join('');
  if (stdout !== expected.stdout)
    throw new Problem(
      `the output differs: ${stdout.length} characters were read, ${expected.stdout.length} were printed`,
    );
}
