/** What the files helper refuses, as errors that a caller can act on. */
import { AppError, type ErrorCode } from '../../../contract/errors.ts';

const PROBLEMS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  not_found: ['FILE_NOT_FOUND', 'does not exist'],
  dangling: ['FILE_NOT_FOUND', 'is a link to what does not exist'],
  outside: ['VALIDATION_ERROR', 'leads out of the workspace and /tmp, where no file is to be had'],
  is_root: ['VALIDATION_ERROR', 'is the workspace or /tmp itself, which stay where they are'],
  is_directory: ['VALIDATION_ERROR', 'is a directory: a file was meant'],
  not_directory: ['VALIDATION_ERROR', 'names a file where a directory was meant'],
  not_file: ['VALIDATION_ERROR', 'is a device, pipe or socket: a file was meant'],
  not_empty: [
    'VALIDATION_ERROR',
    'is a directory that is not empty: delete it with recursive=true',
  ],
  exists: ['VALIDATION_ERROR', 'exists already: move with overwrite to replace it'],
  into_itself: ['VALIDATION_ERROR', 'lies in the directory that is moved'],
  name_too_long: ['VALIDATION_ERROR', 'is longer than the file system takes'],
  loop: ['VALIDATION_ERROR', 'leads through too many links'],
  other_disk: ['NOT_SUPPORTED', 'lies on another disk: copy it by code'],
  too_deep: ['NOT_SUPPORTED', 'is nested over 512 levels deep: delete it by code'],
  too_many: ['NOT_SUPPORTED', 'has a directory of over 200,000 names: list it by code'],
  denied: ['PERMISSION_DENIED', 'is not permitted to the user that code runs as'],
  read_only: ['PERMISSION_DENIED', 'lies on a disk that cannot be written'],
  changed: ['PRECONDITION_FAILED', 'is not in the state that If-Match or If-None-Match asks for'],
  too_large: ['FILE_TOO_LARGE', 'would be larger than a file may be in this sandbox'],
  no_space: ['RESOURCE_LIMIT_ERROR', 'does not fit: the disk of the sandbox is full'],
};

/** @param which the field that it is about: `path`, `from`, `to` */
export function problemOf(what: string, which: string): Error {
  const known = Object.hasOwn(PROBLEMS, what) ? PROBLEMS[what] : undefined;
  const field = ['from', 'to'].includes(which) ? which : 'path';
  if (!known) return new Error(`the files helper failed: ${what.slice(0, 40)}`);
  const [code, text] = known;
  return new AppError(code, `${field}: ${text}`, { details: { field, problem: what } });
}
