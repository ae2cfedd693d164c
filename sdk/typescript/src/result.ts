/** What a run came to: one function folds its events, so that live and later readings agree. */
import type { Event, ExecutionErrorInfo, Metrics, Outcome } from '../../../contract/events.ts';
import type { Result } from '../../../contract/rest/executions.ts';
import { showResult, textOf } from '../../../contract/results.ts';

/**
 * What a run came to. Code that failed is a result too: look at `outcome` and `error`.
 */
export interface ExecutionResult {
  readonly executionId: string;
  /** All that was kept of what it printed. Bytes that are not UTF-8 read as U+FFFD. */
  readonly stdout: string;
  readonly stderr: string;
  /** 0 or 1 for a cell, the process's own for others, 128 + n for a signal, null when lost. */
  readonly exitCode: number | null;
  readonly outcome: Outcome;
  /** The value of the code (`main`) and what it displayed, in order. */
  readonly results: readonly Result[];
  /** What the code raised. */
  readonly error: ExecutionErrorInfo | undefined;
  /** What was not measured is absent. */
  readonly metrics: Metrics;
  /** True when it printed more than is kept. */
  readonly truncated: boolean;
}

type Draft = { -readonly [K in keyof ExecutionResult]: ExecutionResult[K] } & { results: Result[] };

/** Folds one event after another. */
export class ResultFold {
  readonly #draft: Draft = {
    executionId: '',
    stdout: '',
    stderr: '',
    exitCode: null,
    outcome: 'lost',
    results: [],
    error: undefined,
    metrics: { wallMs: 0 },
    truncated: false,
  };

  add(event: Event): void {
    const draft = this.#draft;
    switch (event.type) {
      case 'started':
        draft.executionId = event.executionId;
        break;
      case 'stdout':
      case 'stderr':
        draft[event.type] += textOf(event);
        break;
      case 'result':
        showResult(draft.results, event);
        break;
      case 'error':
        draft.error = { name: event.name, value: event.value, traceback: event.traceback };
        break;
      case 'truncated':
        draft.truncated = true;
        break;
      case 'finished':
        draft.outcome = event.outcome;
        draft.exitCode = event.exitCode;
        draft.metrics = event.metrics;
        break;
      case 'limit': // The outcome says what came of it.
      case 'change': // Of a watch, which comes to nothing.
        break;
    }
  }

  /** Meant for after `finished`. */
  get result(): ExecutionResult {
    return this.#draft;
  }
}
