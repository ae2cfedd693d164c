import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TaskJournal } from '../../../local/services/ecs/task-journal.ts';
import { startEcs } from './fixture.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'task-journal-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

type Detail = Record<string, unknown>;

/** A journal as one run of the stack has it, and what it published. */
function openJournal() {
  const details: Detail[] = [];
  const errors: unknown[] = [];
  const waiting: (() => void)[] = [];
  const journal = new TaskJournal({
    directory,
    events: {
      publish: ({ detail }) => {
        details.push(detail);
        for (const look of waiting) look();
      },
    },
    onError: (error) => errors.push(error),
  });
  const until = (lastStatus: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (details.some((detail) => detail['lastStatus'] === lastStatus)) resolve();
      };
      waiting.push(look);
      look();
    });
  const tellAll = () => {
    for (const task of journal.lost()) journal.tellOfLost(task);
    return details;
  };
  return { journal, details, errors, until, tellAll };
}

async function runOneTask() {
  const run = openJournal();
  const ecs = await startEcs({ events: run.journal });
  const { tasks } = await ecs.run({ startedBy: 'launch-1' });
  await run.until('RUNNING');
  return { ...run, ecs, taskArn: tasks?.[0]?.taskArn ?? '' };
}

describe('a task of a run that was killed', () => {
  it('is told of by the next one as stopped because its host went away', async () => {
    // It still stands, as it stood at the kill: an orderly end would be told of otherwise.
    const { ecs, taskArn, details } = await runOneTask();
    await using _ = ecs;
    const next = openJournal();
    expect(next.tellAll()).toEqual([
      expect.objectContaining({
        taskArn,
        startedBy: 'launch-1',
        lastStatus: 'STOPPED',
        desiredStatus: 'STOPPED',
        stopCode: 'TerminationNotice',
        stoppedReason: 'The host of the task went away',
        stoppedAt: expect.stringMatching(/Z$/),
        version: Number(details.at(-1)?.['version']) + 1,
        containers: [expect.objectContaining({ name: 'agent', lastStatus: 'STOPPED' })],
      }),
    ]);
    // Killed before anybody acted on it: the start after that tells of it again.
    expect(openJournal().tellAll()).toMatchObject([{ taskArn, stopCode: 'TerminationNotice' }]);
    next.journal.close();
  });

  it('keeps the end that it had', async () => {
    const { ecs, taskArn, until } = await runOneTask();
    ecs.driver.tasks[0]?.exit({ exitCode: 3, outOfMemory: false });
    await until('STOPPED');
    await ecs[Symbol.asyncDispose]();
    expect(openJournal().tellAll()).toMatchObject([
      { taskArn, stopCode: 'EssentialContainerExited', containers: [{ exitCode: 3 }] },
    ]);
  });
});

it('a task that ends with its stack is told of by the next one too', async () => {
  const { ecs, taskArn, journal } = await runOneTask();
  await ecs.service.close();
  journal.close();
  await ecs[Symbol.asyncDispose]();
  expect(openJournal().tellAll()).toMatchObject([
    { taskArn, stopCode: 'TerminationNotice', stoppedReason: 'The host is stopping' },
  ]);
});

it('a task whose end has been told is forgotten when all must have acted on it', async () => {
  const { ecs, until, journal } = await runOneTask();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    ecs.driver.tasks[0]?.exit({ exitCode: 0, outOfMemory: false });
    await until('STOPPED');
    expect(journal.lost()).toHaveLength(1);
    vi.advanceTimersByTime(5 * 60_000);
    expect(readdirSync(directory)).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
  await ecs[Symbol.asyncDispose]();
});

it('a record that cannot be read is named, and holds up nothing', () => {
  writeFileSync(join(directory, 'torn.json'), '{"taskArn":');
  const { journal, errors } = openJournal();
  expect(journal.lost()).toEqual([]);
  expect(errors).toHaveLength(1);
  expect(journal.lost()).toEqual([]);
  expect(errors).toHaveLength(1);
});
