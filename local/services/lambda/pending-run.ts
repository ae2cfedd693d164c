/** One event from its acceptance on: what its consumer says before it has a worker reaches the worker later. */
import type { FunctionWorker, InvocationRequest, InvocationSink } from './function-worker.ts';

/** What a consumer tells about the answer that it takes. */
export interface AnswerTaker {
  /** Took bytes of the response. */
  taken(bytes: number): void;
  /** Left: nobody reads the rest. */
  gone(): void;
}

export class PendingRun<Sink extends InvocationSink = InvocationSink> implements AnswerTaker {
  readonly sink: Sink;
  readonly request: InvocationRequest;
  #worker: FunctionWorker | undefined;
  #gone = false;

  constructor(request: InvocationRequest, createSink: (taker: AnswerTaker) => Sink) {
    this.request = request;
    this.sink = createSink(this);
  }

  /** @param worker that is loaded and free */
  begin(worker: FunctionWorker): void {
    this.#worker = worker;
    worker.run(this.request, this.sink);
    if (this.#gone) worker.gone(this.sink);
  }

  taken(bytes: number): void {
    this.#worker?.taken(this.sink, bytes);
  }

  gone(): void {
    this.#gone = true;
    this.#worker?.gone(this.sink);
  }
}
