/** What an execution's events are on the interpreter's wire: one JSON object a line, ASCII only. */
import { TableData } from '../../../contract/charts.ts';
import type { Event, EventOf, MimeBundle, Outcome } from '../../../contract/events.ts';

/** The names of its fields; all else is told under its MIME type. */
const FIELDS: Readonly<Record<string, string>> = {
  'text/plain': 'text',
  'text/html': 'html',
  'text/markdown': 'markdown',
  'image/svg+xml': 'svg',
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'application/pdf': 'pdf',
  'text/latex': 'latex',
  'application/json': 'json',
  'application/javascript': 'javascript',
  'application/vnd.code-interpreter.data+json': 'data',
  'application/vnd.code-interpreter.chart+json': 'chart',
};

/** What an end means that no error has told. */
const ENDS: Readonly<Partial<Record<Outcome, readonly [string, string]>>> = {
  timeout: ['TimeoutError', 'the code ran into its time limit'],
  interrupted: ['KeyboardInterrupt', 'the code was interrupted'],
  killed: ['ExecutionAborted', 'the code was ended from outside'],
  out_of_memory: ['MemoryError', 'the sandbox has no memory left for the code'],
  lost: ['ExecutionAborted', 'the interpreter was lost'],
};

/** Its clients decode each read by itself: a character of several bytes could be cut in two. */
export function lineOf(message: object): string {
  const escape = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `${JSON.stringify(message).replaceAll(/[\u007f-\uffff]/g, escape)}\n`;
}

export class Projection {
  readonly #executionCount: () => number;
  #hasError = false;

  /** @param executionCount where the interpreter does not count itself */
  constructor(executionCount: () => number) {
    this.#executionCount = executionCount;
  }

  messages(event: Event): object[] {
    switch (event.type) {
      case 'started':
        return [
          {
            type: 'number_of_executions',
            execution_count: event.executionCount ?? this.#executionCount(),
          },
        ];
      case 'stdout':
      case 'stderr':
        return [{ type: event.type, text: textOf(event), timestamp: event.at }];
      case 'result':
        // What replaces an earlier display is not on this wire.
        return event.update === true ? [] : [resultOf(event)];
      case 'error':
        this.#hasError = true;
        return [
          { type: 'error', name: event.name, value: event.value, traceback: event.traceback },
        ];
      case 'limit':
      case 'change':
        return [];
      case 'truncated':
        return [
          {
            type: 'stderr',
            text: `${event.droppedBytes} bytes of output are not kept\n`,
            timestamp: event.at,
          },
        ];
      case 'finished':
        return [...this.#endOf(event), { type: 'end_of_execution' }];
    }
  }

  #endOf({ outcome, exitCode }: EventOf<'finished'>): object[] {
    if (this.#hasError || outcome === 'ok') return [];
    const [name, value] = ENDS[outcome] ?? ['ExitError', `the code ended with ${exitCode}`];
    return [{ type: 'error', name, value, traceback: '' }];
  }
}

function textOf({ text, base64 }: EventOf<'stdout'> | EventOf<'stderr'>): string {
  return text ?? Buffer.from(base64 ?? '', 'base64').toString('utf8');
}

function resultOf({ main, data = {} }: EventOf<'result'>): object {
  const forms = Object.entries(data).map(([mime, form]) => {
    const name = Object.hasOwn(FIELDS, mime) ? (FIELDS[mime] ?? mime) : mime;
    if (name === 'data') return [name, columnsOf(form)];
    return [name, name === 'text' && typeof form === 'string' ? unquoted(form) : form];
  });
  // What the code calls its forms must not take the place of what the line is.
  return { ...Object.fromEntries(forms), type: 'result', is_main_result: main };
}

/** A table as its clients read it: the values of each column by its name. */
function columnsOf(form: MimeBundle[string]): object | MimeBundle[string] {
  const { data } = TableData.safeParse(form);
  return data ? Object.fromEntries(data.columns.map(({ name, values }) => [name, values])) : form;
}

/** A text is told without the quotes that show it to be one. */
function unquoted(text: string): string {
  const quote = text[0];
  const isQuoted = text.length > 1 && (quote === "'" || quote === '"') && text.endsWith(quote);
  return isQuoted ? text.slice(1, -1) : text;
}
