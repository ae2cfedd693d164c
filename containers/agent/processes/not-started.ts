/** Why a program did not start, as its caller is told: by what was wrong with the command or its directory. */
import { AppError } from '../../../contract/errors.ts';

/** @param told such as `cwd /x: No such file or directory`, or `nosuch: No such file or directory` */
export function notStarted(told: string): AppError {
  const problem = told.trim().replace(/^(launcher:|failed) /, '');
  if (/Resource temporarily unavailable|EAGAIN/.test(problem))
    return new AppError(
      'RESOURCE_LIMIT_ERROR',
      'this sandbox has no room for another process; end some',
      { details: { limit: 'processes' }, retryAfterSeconds: 1 },
    );
  const field = problem.startsWith('cwd ') ? 'cwd' : 'command';
  const what = field === 'cwd' ? problem.slice('cwd '.length) : problem;
  return new AppError('VALIDATION_ERROR', `${field}: ${what}`, { details: { field } });
}
