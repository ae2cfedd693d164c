/**
 * Asks a language whether code is well formed: a process with the rights of user code that reads and
 * ends. Owns how many there are, and their end. Must never run the code, nor trust what it makes of it.
 */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import * as z from 'zod/mini';
import {
  type ValidateRequest,
  type Validation,
  ValidationProblem,
} from '../../../contract/agent/validation.ts';
import { AppError } from '../../../contract/errors.ts';
import type { Language } from '../../../contract/runtimes.ts';
import { type LanguageDriver, languageNotHere } from '../languages.ts';
import { type LauncherOptions, launchCommand } from '../processes/user-process.ts';

/** They take their turns, each with its memory. Both times together are less than a caller waits. */
export const VALIDATION_BOUNDS = { waiting: 16, waitMs: 7_000, answerMs: 10_000 } as const;
const ANSWER_BYTES = 256 * 1024;
const MESSAGE_CHARS = 1_024;
/** A parser's first line, before it has seen any of the code. */
const READY = 'ready\n';

const Answer = z.object({ problems: z.array(ValidationProblem).check(z.maxLength(100)) });

export interface ValidatorOptions {
  readonly launcher: LauncherOptions;
  readonly drivers: Promise<ReadonlyMap<Language, LanguageDriver>>;
  readonly environment: Readonly<Record<string, string>>;
  /** How many may wait, how long for their turn, and how long a parser may take. */
  readonly bounds: { readonly waiting: number; readonly waitMs: number; readonly answerMs: number };
  /** Throws where nothing new may begin. */
  readonly refuseNew: () => void;
}

export class Validator {
  readonly #options: ValidatorOptions;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: ValidatorOptions) {
    this.#options = options;
  }

  /** @throws {AppError} where the language is not here, or it takes too long */
  async validate({ language, code }: ValidateRequest): Promise<Validation> {
    const { bounds, drivers: found, refuseNew } = this.#options;
    const drivers = await found;
    const driver = drivers.get(language);
    if (!driver) throw languageNotHere(language, [...drivers.keys()]);
    refuseNew();
    if (this.#waiting >= bounds.waiting) throw tooMany(bounds.waiting);
    this.#waiting += 1;
    const since = performance.now();
    const asked = this.#turn.then(() => {
      refuseNew();
      if (performance.now() - since > bounds.waitMs) throw tooMany(this.#waiting);
      return this.#ask(driver, code);
    });
    this.#turn = asked.catch(() => undefined);
    try {
      const problems = await asked;
      return { valid: problems.length === 0, problems };
    } finally {
      this.#waiting -= 1;
    }
  }

  async #ask(driver: LanguageDriver, code: string): Promise<ValidationProblem[]> {
    const { bounds, environment, launcher } = this.#options;
    const limits = { ...launcher, dataBytes: launcher.dataBytes + driver.reservedBytes };
    const [program, ...args] = launchCommand(limits, '/', driver.validator);
    const child = spawn(program, args, {
      cwd: '/',
      env: environment,
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: bounds.answerMs,
      killSignal: 'SIGKILL',
    });
    const ended = new Promise<NodeJS.Signals | null>((resolve) => {
      child.once('close', (_, signal) => resolve(signal));
      // It could not be started: it says nothing then, and closes.
      child.once('error', () => undefined);
    });
    // It may end before it has read all.
    child.stdin.on('error', () => undefined);
    child.stdin.end(code);
    const began = performance.now();
    const text = await headOf(child.stdout);
    const signal = await ended;
    const tookMs = performance.now() - began;
    if (signal === 'SIGKILL' && tookMs >= bounds.answerMs) throw tooSlow(bounds.answerMs);
    // Ended to make room for an interpreter, or never begun: neither says anything of the code.
    if (signal === 'SIGKILL' || !text.startsWith(READY)) throw notRead();
    return problemsIn(text.slice(READY.length));
  }
}

async function headOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    if (size < ANSWER_BYTES) chunks.push(chunk);
    size += chunk.length;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A parser that died of the code has found something that no interpreter will run either. */
function problemsIn(text: string): ValidationProblem[] {
  const died = {
    line: 1,
    column: 1,
    message: 'the parser ended while it read this code: it is nested too deeply, or too large',
  };
  try {
    const { problems } = Answer.parse(JSON.parse(text));
    return problems.map((each) => ({ ...each, message: each.message.slice(0, MESSAGE_CHARS) }));
  } catch {
    return [died];
  }
}

const tooMany = (waiting: number): AppError =>
  new AppError(
    'RESOURCE_LIMIT_ERROR',
    `${waiting} codes are being validated or wait for it; ask again`,
    { details: { limit: 'validations', value: waiting }, retryAfterSeconds: 1 },
  );

const tooSlow = (answerMs: number): AppError =>
  new AppError('DEADLINE_EXCEEDED', `code: not read within ${answerMs} ms; shorten it`);

const notRead = (): AppError =>
  new AppError(
    'AGENT_UNREACHABLE',
    'the parser did not start or was ended before it had read the code: ask again',
    { retryAfterSeconds: 1 },
  );
