/** Runs code that means harm, and proves after it that the same sandbox goes on. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Event } from '../../contract/events.ts';
import type { Execution } from '../../contract/rest/executions.ts';
import { api, createSandbox, type TestSandbox } from './api.ts';

export interface Attack {
  readonly code: string;
  readonly options?: Record<string, unknown>;
  /** Of the execution. */
  readonly ends: Record<string, unknown>;
  /** Its events but for output, from the second one to the last but one. */
  readonly says?: readonly Record<string, unknown>[];
}

/** The last events of an execution, at most `count`. */
export async function lastEvents(execution: Execution, count: number): Promise<Event[]> {
  const after = Math.max(0, execution.lastSeq - count);
  return (await api(`/executions/${execution.id}/events?after=${after}`)).json.data.items;
}

/** Prints and answers as if nothing had been. */
export async function expectAlive(sandbox: TestSandbox): Promise<void> {
  const next = await sandbox.run('print("next")\n1+1');
  expect(next).toMatchObject({
    outcome: 'ok',
    exitCode: 0,
    stdout: 'next\n',
    results: [{ main: true, data: { 'text/plain': '2' } }],
  });
}

/** One sandbox takes all of them, one after the other. */
export function survivesEach(attacks: Readonly<Record<string, Attack>>): void {
  let sandbox: TestSandbox;
  beforeAll(async () => {
    sandbox = await createSandbox();
  });
  afterAll(() => sandbox[Symbol.asyncDispose]());

  test.each(Object.entries(attacks))('%s', async (_, { code, options, ends, says }) => {
    const execution: Execution = await sandbox.run(code, options);
    expect(execution).toMatchObject({ status: 'finished', ...ends });
    const events = (await lastEvents(execution, 1_000)).filter(
      ({ type }) => type !== 'stdout' && type !== 'stderr',
    );
    expect(events.at(-1)).toMatchObject({ type: 'finished', outcome: execution.outcome });
    if (says) expect(events.slice(1, -1)).toMatchObject(says);
    await expectAlive(sandbox);
  });
}
