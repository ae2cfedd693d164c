/**
 * Remembers on disk which tasks somebody may still have to be told of: those that live, and those whose end was told
 * so lately that whoever heard of it may not have acted yet. The next start tells of each as stopped. Events come
 * twice that way, never not at all. It must never answer for a task: what ECS shows is in memory only.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { EventSink } from './types.ts';

/** Longer than the retries of an asynchronous invocation take. */
const TOLD_MS = 5 * 60_000;
const SUFFIX = '.json';

const TaskDetail = z.looseObject({
  taskArn: z.string(),
  lastStatus: z.string(),
  version: z.number().int(),
  containers: z.array(z.looseObject({ lastStatus: z.string() })),
});
export type LostTask = z.output<typeof TaskDetail>;

export interface TaskJournalOptions {
  readonly directory: string;
  readonly events: EventSink;
  /** Told of a record that cannot be kept or read; no task is held up by it. */
  readonly onError: (error: unknown) => void;
}

export class TaskJournal implements EventSink {
  readonly #options: TaskJournalOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  constructor(options: TaskJournalOptions) {
    this.#options = options;
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  }

  publish(event: Parameters<EventSink['publish']>[0]): void {
    // Kept first: whoever is killed in between tells of the task once too often, never once too little.
    this.#attempt(() => this.#keep(TaskDetail.parse(event.detail)));
    this.#options.events.publish(event);
  }

  /** Tasks of a former run, as they were last told of. */
  lost(): LostTask[] {
    const { directory } = this.#options;
    return readdirSync(directory)
      .filter((name) => name.endsWith(SUFFIX))
      .flatMap((name) => {
        const path = join(directory, name);
        const task = this.#attempt(() => TaskDetail.parse(JSON.parse(readFileSync(path, 'utf8'))));
        if (task === undefined) rmSync(path, { force: true });
        return task ?? [];
      });
  }

  /** Publishes the end of a task whose host has gone; an end that it had, or that was asked for, stays as it was. */
  tellOfLost(task: LostTask): void {
    const now = new Date().toISOString();
    const before = {
      stopCode: 'TerminationNotice',
      stoppedReason: 'The host of the task went away',
      stoppingAt: now,
      stoppedAt: now,
      executionStoppedAt: now,
    };
    this.publish({
      source: 'aws.ecs',
      detailType: 'ECS Task State Change',
      resources: [task.taskArn],
      detail: {
        ...before,
        ...task,
        lastStatus: 'STOPPED',
        desiredStatus: 'STOPPED',
        updatedAt: now,
        version: task.version + 1,
        containers: task.containers.map((container) => ({ ...container, lastStatus: 'STOPPED' })),
      },
    });
  }

  /** What is kept stays for the next start. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #keep(task: LostTask): void {
    const path = this.#pathOf(task);
    // Renamed into place: a reader finds a record whole or not at all.
    writeFileSync(`${path}.new`, JSON.stringify(task));
    renameSync(`${path}.new`, path);
    if (task.lastStatus === 'STOPPED' && !this.#closed) this.#forgetLater(path);
  }

  #forgetLater(path: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#attempt(() => rmSync(path, { force: true }));
    }, TOLD_MS).unref();
    this.#timers.add(timer);
  }

  #pathOf({ taskArn }: LostTask): string {
    return join(this.#options.directory, `${taskArn.split('/').at(-1)}${SUFFIX}`);
  }

  #attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#options.onError(error);
      return undefined;
    }
  }
}
