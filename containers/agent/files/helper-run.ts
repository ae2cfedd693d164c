/**
 * One run of the files helper: a process with the rights of user code that does one operation and
 * ends. Owns its pipes and its end. Must never trust what it says beyond its form.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import * as z from 'zod/mini';
import { FILE_TYPES, FileEntry } from '../../../contract/agent/files.ts';
import { AppError } from '../../../contract/errors.ts';
import { FILE_CHANGES } from '../../../contract/events.ts';
import type { Command } from '../processes/user-process.ts';
import { FieldReader } from './field-reader.ts';
import { problemOf } from './problems.ts';

/** For each word of the helper; what a body takes is bounded by its own silence. */
const ANSWER_MS = 25_000;
/** A helper whose pipes are closed takes back what it began, then ends; not for ever. */
const END_MS = 2_000;
/** Of the launcher and of a shell: the program could not be started. */
const NOT_STARTED = 127;

const ENTRY_FIELDS = 9;
const PATH_FIELD = 5;
const Size = z.pipe(z.string().check(z.regex(/^\d{1,16}$/)), z.transform(Number));
const Entry = z.tuple([
  z.enum(FILE_TYPES),
  Size,
  Size,
  Size,
  z.string().check(z.regex(/^[0-9a-f-]{1,64}$/)),
  z.string(),
  z.string(),
  Size,
  Size,
]);

export type HelperAnswer =
  /** `rawPath` is what the entry's path was decoded from. */
  | { readonly kind: 'entry'; readonly entry: FileEntry; readonly rawPath: Buffer }
  | { readonly kind: 'ready' }
  | { readonly kind: 'end'; readonly more: boolean }
  | { readonly kind: 'change'; readonly change: FileChange; readonly path: string };

/** `lost`: more has changed than could be told. */
const Change = z.enum(FILE_CHANGES);
export type FileChange = z.infer<typeof Change>;

export class HelperRun implements Disposable {
  readonly #child: ChildProcess;
  readonly #input: Writable;
  readonly #output: Readable;
  readonly #fields: FieldReader;
  readonly #exited: Promise<number | null>;

  /** Strings go as UTF-8. */
  constructor(command: Command, fields: readonly (string | Buffer)[]) {
    const [program, ...args] = command;
    this.#child = spawn(program, args, {
      cwd: '/',
      env: {},
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const { stdin, stdout } = this.#child;
    if (!stdin || !stdout) throw new Error('a helper was spawned without its pipes');
    this.#input = stdin;
    this.#output = stdout;
    // A helper that has gone says why in its last answer, or in its exit.
    stdin.on('error', () => undefined);
    this.#fields = new FieldReader(stdout);
    this.#exited = once(this.#child, 'exit').then(
      ([code]) => code as number | null,
      () => NOT_STARTED,
    );
    this.send(fields);
  }

  /** Where the bytes of a write go. */
  get input(): Writable {
    return this.#input;
  }

  /** Where the bytes of a read come from, once their entry was read. */
  get output(): Readable {
    return this.#output;
  }

  send(fields: readonly (string | Buffer)[]): void {
    const end = Buffer.from([0]);
    this.#input.write(Buffer.concat(fields.flatMap((field) => [Buffer.from(field), end])));
  }

  /** Says that the bytes are whole. */
  commit(): void {
    this.#input.write('!');
  }

  /** @throws {AppError} what the helper refuses, or that it has ended without a word */
  async answer(): Promise<HelperAnswer> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const told = new AppError('DEADLINE_EXCEEDED', `no answer within ${ANSWER_MS} ms`);
      timer = setTimeout(() => reject(told), ANSWER_MS);
    });
    try {
      return await Promise.race([this.#read(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** An answer that may be long in coming. */
  later(): Promise<HelperAnswer> {
    return this.#read();
  }

  async entry(): Promise<FileEntry> {
    const answer = await this.answer();
    if (answer.kind !== 'entry') throw unexpected();
    return answer.entry;
  }

  /** 0 when all that was asked for was done. */
  get exited(): Promise<number | null> {
    return this.#exited;
  }

  [Symbol.dispose](): void {
    this.#input.destroy();
    this.#output.destroy();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MS);
    void this.#exited.then(() => clearTimeout(timer));
  }

  async #read(): Promise<HelperAnswer> {
    const [kind] = await this.#take(1);
    switch (String(kind)) {
      case 'ready':
        return { kind: 'ready' };
      case 'end':
        return { kind: 'end', more: String((await this.#take(1))[0]) === '1' };
      case 'change': {
        const [change, path] = await this.#take(2);
        const parsed = Change.safeParse(String(change));
        if (!parsed.success) throw unexpected();
        return { kind: 'change', change: parsed.data, path: String(path) };
      }
      case 'entry': {
        const fields = await this.#take(ENTRY_FIELDS);
        return {
          kind: 'entry',
          entry: entryOf(fields.map(String)),
          rawPath: fields[PATH_FIELD] ?? Buffer.alloc(0),
        };
      }
      case 'error': {
        const [what, which] = await this.#take(2);
        throw problemOf(String(what), String(which));
      }
      default:
        throw unexpected();
    }
  }

  async #take(count: number): Promise<Buffer[]> {
    const fields: Buffer[] = [];
    while (fields.length < count) {
      const field = await this.#fields.next();
      if (field === undefined) throw await this.#gone();
      fields.push(field);
    }
    return fields;
  }

  async #gone(): Promise<AppError> {
    this[Symbol.dispose]();
    if ((await this.#exited) === NOT_STARTED)
      return new AppError('NOT_SUPPORTED', 'this sandbox has no program for file operations');
    return new AppError('AGENT_UNREACHABLE', 'the file operation was ended: ask again', {
      retryAfterSeconds: 1,
    });
  }
}

const unexpected = () => new Error('the files helper said what it was not asked');

function entryOf(fields: string[]): FileEntry {
  const parsed = Entry.safeParse(fields);
  if (!parsed.success) throw unexpected();
  const [type, sizeBytes, mode, modifiedMs, version, path, target, uid, gid] = parsed.data;
  return FileEntry.parse({
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    type,
    sizeBytes,
    mode: mode.toString(8),
    modifiedAt: new Date(Math.min(modifiedMs, MAX_TIME_MS)).toISOString(),
    version,
    owner: nameOfUser(uid),
    group: nameOfUser(gid),
    ...(type === 'symlink' ? { target } : {}),
  });
}

/** Of users and groups that every sandbox has; another's number says as much. */
const USERS: ReadonlyMap<number, string> = new Map([
  [0, 'root'],
  [1_000, 'user'],
  [65_534, 'nobody'],
]);
const nameOfUser = (id: number): string => USERS.get(id) ?? String(id);

/** The last day of the year 9999: user code sets times as it likes. */
const MAX_TIME_MS = 253_402_214_400_000;
