/**
 * Events → result: what an Execution shows of its output. One function for the answer that waits,
 * for the record that is read later, and (in the SDK) for the client.
 */
import type { Event, EventOf, ExecutionErrorInfo } from '../../contract/events.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { Execution } from '../../contract/rest/executions.ts';
import { textOf } from '../../contract/results.ts';
import { KeptResults } from './kept-results.ts';

type Folded = Omit<Execution, 'id' | 'sandboxId' | 'language' | 'createdAt' | 'status'> &
  Partial<Pick<Execution, 'status'>>;

/** Text up to a limit in characters; says whether there was more. */
class Head {
  #parts: string[] = [];
  #chars = 0;
  truncated = false;

  add(text: string): void {
    const room = LIMITS.summaryBytes - this.#chars;
    if (text.length > room) this.truncated = true;
    if (room <= 0) return;
    const part = text.length > room ? text.slice(0, room) : text;
    this.#parts.push(part);
    this.#chars += part.length;
  }

  toString(): string {
    return this.#parts.join('');
  }
}

export class Fold {
  readonly #stdout = new Head();
  readonly #stderr = new Head();
  readonly #results = new KeptResults();
  #error: ExecutionErrorInfo | undefined;
  #lastSeq = 0;
  #executionCount: number | undefined;
  #truncated = false;
  #finished: EventOf<'finished'> | undefined;

  add(event: Event): void {
    this.#lastSeq = event.seq;
    switch (event.type) {
      case 'stdout':
        this.#stdout.add(textOf(event));
        break;
      case 'stderr':
        this.#stderr.add(textOf(event));
        break;
      case 'result':
        this.#results.add(event);
        break;
      case 'error':
        this.#error = { name: event.name, value: event.value, traceback: event.traceback };
        break;
      case 'started':
        this.#executionCount = event.executionCount;
        break;
      case 'truncated':
        this.#truncated = true;
        break;
      case 'finished':
        this.#finished = event;
        break;
      case 'limit':
      case 'change':
        break;
    }
  }

  /** There are more events, which are not added: what they printed is not here. */
  cut(): void {
    this.#stdout.truncated = true;
    this.#stderr.truncated = true;
  }

  /**
   * What the events tell; laid over a record that may be older than they are.
   * @param ended false leaves the end out: it was heard, and is not yet on record
   */
  result({ ended } = { ended: true }): Folded {
    return {
      lastSeq: this.#lastSeq,
      truncated: this.#truncated,
      ...(this.#executionCount === undefined ? {} : { executionCount: this.#executionCount }),
      ...(ended ? this.#end() : {}),
      stdout: this.#stdout.toString(),
      stderr: this.#stderr.toString(),
      stdoutTruncated: this.#stdout.truncated,
      stderrTruncated: this.#stderr.truncated,
      results: this.#results.results,
      resultsTruncated: this.#results.truncated,
      ...(this.#error ? { error: this.#error } : {}),
    };
  }

  #end(): Partial<Execution> {
    if (!this.#finished) return {};
    const { outcome, exitCode, metrics, at } = this.#finished;
    return {
      status: outcome === 'lost' ? 'lost' : 'finished',
      outcome,
      exitCode,
      metrics,
      finishedAt: at,
    };
  }
}
