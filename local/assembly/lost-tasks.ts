/**
 * Tells of the tasks that a former run has lost, before anybody can ask for what they held: a few at a time, since
 * each event may need a worker of its own. Must never hold a start up for good: a function that fails is retried later.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskJournal } from '../services/ecs/task-journal.ts';
import type { FunctionInvoker } from '../services/lambda/types.ts';

const AT_ONCE = 4;
const WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 10;

export interface LostTasksOptions {
  readonly journal: TaskJournal;
  readonly functions: FunctionInvoker;
  readonly log: (line: string) => void;
}

export async function tellOfLostTasks({
  journal,
  functions,
  log,
}: LostTasksOptions): Promise<void> {
  const lost = journal.lost();
  const until = Date.now() + WITHIN_MS;
  for (let told = 0; told < lost.length; told += AT_ONCE) {
    for (const task of lost.slice(told, told + AT_ONCE)) journal.tellOfLost(task);
    while (isBusy(functions) && Date.now() < until) await sleep(LOOK_EVERY_MS);
  }
  if (lost.length === 0) return;
  const late = isBusy(functions) ? '; not all of it is dealt with yet' : '';
  log(`told of ${lost.length} tasks of the run before${late}`);
}

function isBusy(functions: FunctionInvoker): boolean {
  return functions.functions().some(({ pendingEvents }) => pendingEvents > 0);
}
