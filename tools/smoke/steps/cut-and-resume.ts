/**
 * A stream is cut twice in the middle of the output, as a network would, and read on at the cursor:
 * the first cut by a new stream, the second by long polls. No event may be lost or come twice.
 */
import * as z from 'zod';
import type { Event } from '../../../contract/events.ts';
import { EventPage } from '../../../contract/rest/executions.ts';
import { Problem } from '../../shared/problem.ts';
import type { Call } from '../api.ts';
import { type Run, type Step, sandboxOf } from '../step.ts';
import { assertWhole } from '../whole-log.ts';

const LINES = 40;
const CODE = `
import time
for line in range(${LINES}):
    print("line", line, flush=True)
    time.sleep(0.025)
`;
const STDOUT = Array.from({ length: LINES }, (_, line) => `line ${line}\n`).join('');
const CUT_AFTER = 4;
const WAIT_MS = 10_000;

export const cutAndResume: Step = {
  name: 'cut and resume',
  run: async (run) => {
    const events: Event[] = [];
    const cursor = () => events.at(-1)?.seq ?? 0;
    const begun = await readSome(run, events, `/sandboxes/${sandboxOf(run).id}/execute`, {
      body: { code: CODE },
    });
    const first = cursor();
    const path = `/executions/${begun}/events`;
    await readSome(run, events, path, { headers: { 'Last-Event-ID': String(first) } });
    const second = cursor();
    for (let finished = false; !finished; ) {
      const query = `?after=${cursor()}&waitMs=${WAIT_MS}`;
      const page: z.infer<typeof EventPage> = await run.api.json(`${path}${query}`, PageShape, run);
      events.push(...page.items);
      finished = page.finished;
    }
    assertWhole(events, { stdout: STDOUT });
    return `${events.length} events, none lost: cut after ${first} and ${second}`;
  },
};

const PageShape = z.custom<z.infer<typeof EventPage>>((page) => EventPage.safeParse(page).success);

/** Reads a few events into the list and cuts the connection; answers the execution. */
async function readSome(
  run: Run,
  events: Event[],
  path: string,
  call: Omit<Call, 'signal'>,
): Promise<string | undefined> {
  const cut = new AbortController();
  const signal = AbortSignal.any([cut.signal, run.signal]);
  let execution: string | undefined;
  let read = 0;
  for await (const event of run.api.events(path, { ...call, signal })) {
    events.push(event);
    if (event.type === 'started') execution = event.executionId;
    read += 1;
    if (read < CUT_AFTER) continue;
    cut.abort();
    return execution;
  }
  throw new Problem(`the stream of ${path} ended after ${read} events, before it was cut`);
}
