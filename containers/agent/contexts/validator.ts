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
import type { LanguageDriver } from '../languages.ts';
import { type LauncherOptions, launchCommand } from '../processes/user-process.ts';

const ANSWER_MS = 10_000;
const ANSWER_BYTES = 256 * 1024;
/** They take their turns, and each its memory. */
const WAITING = 16;
const MESSAGE_CHARS = 1_024;

const Answer = z.object({ problems: z.array(ValidationProblem).check(z.maxLength(100)) });

export interface ValidatorOptions {
  readonly launcher: LauncherOptions;
  readonly drivers: Promise<ReadonlyMap<Language, LanguageDriver>>;
  readonly environment: Readonly<Record<string, string>>;
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
    const drivers = await this.#options.drivers;
    const driver = drivers.get(language);
    if (!driver) throw notHere(language, [...drivers.keys()]);
    if (this.#waiting >= WAITING)
      throw new AppError('RESOURCE_LIMIT_ERROR', `${WAITING} codes are being validated already`, {
        details: { limit: 'validations', value: WAITING },
        retryAfterSeconds: 1,
      });
    this.#waiting += 1;
    const asked = this.#turn.then(() => this.#ask(driver, code));
    this.#turn = asked.catch(() => undefined);
    try {
      const problems = await asked;
      return { valid: problems.length === 0, problems };
    } finally {
      this.#waiting -= 1;
    }
  }

  async #ask(driver: LanguageDriver, code: string): Promise<ValidationProblem[]> {
    const { environment, launcher } = this.#options;
    const limits = { ...launcher, dataBytes: launcher.dataBytes + driver.reservedBytes };
    const [program, ...args] = launchCommand(limits, '/', driver.validator);
    const child = spawn(program, args, {
      cwd: '/',
      env: environment,
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: ANSWER_MS,
      killSignal: 'SIGKILL',
    });
    const ended = new Promise<NodeJS.Signals | null>((resolve, reject) => {
      child.once('close', (_, signal) => resolve(signal));
      child.once('error', reject);
    });
    // It may end before it has read all.
    child.stdin.on('error', () => undefined);
    child.stdin.end(code);
    const began = performance.now();
    const text = await headOf(child.stdout);
    const signal = await ended;
    if (signal === 'SIGKILL') throw killed(performance.now() - began);
    return problemsIn(text);
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

/** For its time, or to make room for an interpreter. */
function killed(afterMs: number): AppError {
  if (afterMs >= ANSWER_MS)
    return new AppError('DEADLINE_EXCEEDED', `code: not read within ${ANSWER_MS} ms; shorten it`);
  return new AppError('AGENT_UNREACHABLE', 'the parser was ended: ask again', {
    retryAfterSeconds: 1,
  });
}

function notHere(language: Language, allowed: Language[]): AppError {
  return new AppError(
    'NOT_SUPPORTED',
    `language: ${language} is not in this sandbox, which has ${allowed.join(', ') || 'none'}`,
    { details: { field: 'language', value: language, allowed } },
  );
}
