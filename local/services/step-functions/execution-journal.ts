/**
 * Keeps executions on disk, each in two files: its record, renamed into place, and its events, which only grow. A
 * record never tells of an event that is not in its file, so what a killed process leaves is always whole.
 */
import { hash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type HistoryEvent, historyEvent } from './interpreter/history.ts';
import type { ExecutionStore, KeptExecution } from './interpreter/machine.ts';
import { type ExecutionRecord, executionRecord } from './interpreter/record.ts';

const RECORD = '.json';
const EVENTS = '.events';

export interface ExecutionJournalOptions {
  readonly directory: string;
  /** Told of what cannot be kept or read; no execution is held up by it. */
  readonly onError: (error: unknown) => void;
}

export class ExecutionJournal implements ExecutionStore {
  readonly #options: ExecutionJournalOptions;
  /** How many events of each execution its file holds. */
  readonly #written = new Map<string, number>();

  constructor(options: ExecutionJournalOptions) {
    this.#options = options;
    // Task tokens are secrets.
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  }

  load(): readonly KeptExecution[] {
    return readdirSync(this.#options.directory)
      .filter((name) => name.endsWith(RECORD))
      .flatMap((name) => this.#attempt(() => this.#read(name.slice(0, -RECORD.length))) ?? []);
  }

  keep(record: ExecutionRecord, events: readonly HistoryEvent[]): void {
    this.#attempt(() => {
      const path = this.#pathOf(record.executionArn);
      const written = this.#written.get(record.executionArn) ?? 0;
      const lines = events.slice(written).map((event) => `${JSON.stringify(event)}\n`);
      if (lines.length > 0) appendFileSync(`${path}${EVENTS}`, lines.join(''), { mode: 0o600 });
      this.#written.set(record.executionArn, events.length);
      writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
      renameSync(`${path}.new`, `${path}${RECORD}`);
    });
  }

  forget(executionArn: string): void {
    this.#written.delete(executionArn);
    for (const suffix of [RECORD, EVENTS])
      this.#attempt(() => rmSync(`${this.#pathOf(executionArn)}${suffix}`, { force: true }));
  }

  #read(name: string): KeptExecution {
    const path = join(this.#options.directory, name);
    const record = executionRecord.parse(JSON.parse(readFileSync(`${path}${RECORD}`, 'utf8')));
    const lines = existsSync(`${path}${EVENTS}`) ? readFileSync(`${path}${EVENTS}`, 'utf8') : '';
    const events = lines
      .split('\n')
      .slice(0, record.events)
      .map((line) => historyEvent.parse(JSON.parse(line)));
    // What was written beyond the record happens again.
    writeFileSync(
      `${path}${EVENTS}`,
      events.map((event) => `${JSON.stringify(event)}\n`).join(''),
      { mode: 0o600 },
    );
    this.#written.set(record.executionArn, events.length);
    return { record, events };
  }

  /** Names of executions hold what names of files cannot. */
  #pathOf(executionArn: string): string {
    return join(this.#options.directory, hash('sha256', executionArn).slice(0, 40));
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
