/**
 * The agent's own log: one JSON object a line on stdout, and a bounded ring that `GET /logs` answers.
 * Must never hold code, output, environment or tokens.
 */
const RING_LINES = 500;
const LINE_CHARS = 2_000;

export type LogLevel = 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface LogLine extends LogFields {
  readonly at: string;
  readonly level: LogLevel;
  readonly message: string;
}

export class Log {
  readonly #write: (line: string) => void;
  readonly #ring: LogLine[] = [];

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  get lines(): readonly LogLine[] {
    return this.#ring;
  }

  info(message: string, fields: LogFields = {}): void {
    this.#add('info', message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#add('warn', message, fields);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#add('error', message, fields);
  }

  #add(level: LogLevel, message: string, fields: LogFields): void {
    const cut = message.slice(0, LINE_CHARS);
    const line = { at: new Date().toISOString(), level, message: cut, ...fields };
    this.#ring.push(line);
    if (this.#ring.length > RING_LINES) this.#ring.shift();
    this.#write(`${JSON.stringify(line)}\n`);
  }
}
