/**
 * Why a state failed, by the names that Retry and Catch match. Whether an error can be caught at all is decided here
 * and nowhere else.
 */
export class StateError extends Error {
  override readonly name = 'StateError';
  /** `States.Timeout`, `Lambda.ServiceException`, the `errorType` of a function … */
  readonly error: string;
  readonly reason: string | undefined;
  /** A second name that `ErrorEquals` may use. */
  readonly alias: string | undefined;
  /** The field whose evaluation failed. */
  readonly location: string | undefined;

  constructor(
    error: string,
    reason?: string,
    more: { readonly alias?: string; readonly location?: string } = {},
  ) {
    super(reason === undefined ? error : `${error}: ${reason}`);
    this.error = error;
    this.reason = reason;
    this.alias = more.alias;
    this.location = more.location;
  }

  /** What `$states.errorOutput` shows. */
  get output(): { readonly Error: string; readonly Cause?: string } {
    return { Error: this.error, ...(this.reason === undefined ? {} : { Cause: this.reason }) };
  }
}

export function queryError(location: string, reason: string): StateError {
  return new StateError('States.QueryEvaluationError', reason, { location });
}

/** The wildcards never stand for these; a name of its own still catches the first. */
const beyondWildcards = new Set(['States.DataLimitExceeded', 'States.Runtime']);

/** Whether an `ErrorEquals` list means the error. */
export function isMeant(errorEquals: readonly string[], { error, alias }: StateError): boolean {
  if (error === 'States.Runtime') return false;
  return errorEquals.some((name) => {
    if (name === error || name === alias) return true;
    if (beyondWildcards.has(error)) return false;
    return name === 'States.ALL' || (name === 'States.TaskFailed' && error !== 'States.Timeout');
  });
}
