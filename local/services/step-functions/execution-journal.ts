/**
 * Keeps executions on disk, a file each: every save appends one line with the record as it is and the events since the
 * last. The last whole line counts, so what a killed process leaves is always one of its saves. A file that has grown
 * is written anew, as one line.
 */
import { hash } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type HistoryEvent, historyEvent } from './interpreter/history.ts';
import type { ExecutionStore, KeptExecution } from './interpreter/machine.ts';
import { type ExecutionRecord, executionRecord } from './interpreter/record.ts';

const SUFFIX = '.ndjson';

/** A file is written anew when so much was appended to it, and more than it began with. */
const GROWN_CHARACTERS = 256 * 1024;

const save = z.object({ record: executionRecord, events: z.array(historyEvent) });

interface ExecutionFile {
  /** How many events it holds. */
  readonly events: number;
  /** Its length when it was written anew, and what was appended since. */
  readonly begun: number;
  readonly appended: number;
}

const noFile: ExecutionFile = { events: 0, begun: 0, appended: 0 };

export interface ExecutionJournalOptions {
  readonly directory: string;
  /** Told of what cannot be kept or read; no execution is held up by it. */
  readonly onError: (error: unknown) => void;
}

export class ExecutionJournal implements ExecutionStore {
  readonly #options: ExecutionJournalOptions;
  readonly #files = new Map<string, ExecutionFile>();

  constructor(options: ExecutionJournalOptions) {
    this.#options = options;
    // Task tokens are secrets.
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  }

  load(): readonly KeptExecution[] {
    return readdirSync(this.#options.directory)
      .filter((name) => name.endsWith(SUFFIX))
      .flatMap((name) => this.#attempt(() => this.#read(name)) ?? []);
  }

  keep(record: ExecutionRecord, events: readonly HistoryEvent[]): void {
    const file = this.#files.get(record.executionArn) ?? noFile;
    const line = lineOf(record, events.slice(file.events));
    const appended = file.appended + line.length;
    this.#attempt(() => {
      if (appended > Math.max(GROWN_CHARACTERS, file.begun)) this.#writeAnew(record, events);
      else {
        // An append that fails half-way leaves half a line: the next save writes the file anew.
        this.#files.set(record.executionArn, { ...file, appended: Number.POSITIVE_INFINITY });
        appendFileSync(this.#pathOf(record.executionArn), line, { mode: 0o600 });
        this.#files.set(record.executionArn, { ...file, events: events.length, appended });
      }
    });
  }

  forget(executionArn: string): void {
    this.#files.delete(executionArn);
    this.#attempt(() => rmSync(this.#pathOf(executionArn), { force: true }));
  }

  /** Renamed into place: a reader finds a file whole or not at all. */
  #writeAnew(record: ExecutionRecord, events: readonly HistoryEvent[]): void {
    const path = this.#pathOf(record.executionArn);
    const line = lineOf(record, events);
    writeFileSync(`${path}.new`, line, { mode: 0o600 });
    renameSync(`${path}.new`, path);
    const file = { events: events.length, begun: line.length, appended: 0 };
    this.#files.set(record.executionArn, file);
  }

  #read(name: string): KeptExecution {
    const text = readFileSync(join(this.#options.directory, name), 'utf8');
    // What follows the last line break was being written when the process ended.
    const saves = text
      .split('\n')
      .slice(0, -1)
      .map((line) => save.parse(JSON.parse(line)));
    const last = saves.at(-1);
    if (last === undefined) throw new Error(`${name} holds no execution`);
    const kept = { record: last.record, events: saves.flatMap(({ events }) => events) };
    if (saves.length > 1 || !text.endsWith('\n')) this.#writeAnew(kept.record, kept.events);
    else
      this.#files.set(kept.record.executionArn, {
        events: kept.events.length,
        begun: text.length,
        appended: 0,
      });
    return kept;
  }

  /** Names of executions hold what names of files cannot. */
  #pathOf(executionArn: string): string {
    const name = `${hash('sha256', executionArn).slice(0, 40)}${SUFFIX}`;
    return join(this.#options.directory, name);
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

function lineOf(record: ExecutionRecord, events: readonly HistoryEvent[]): string {
  return `${JSON.stringify({ record, events })}\n`;
}
