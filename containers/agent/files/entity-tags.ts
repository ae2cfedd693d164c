/** Entity tags in headers: a file's version in quotes. */
import { AppError } from '../../../contract/errors.ts';

const TAG = /^(?:W\/)?"([^"]*)"$/;

/** Whether a header's list holds this version, or `*`. */
export function names(header: string, version: string): boolean {
  return header.split(',').some((item) => {
    const tag = item.trim();
    return tag === '*' || TAG.exec(tag)?.[1] === version;
  });
}

/** What must stand where a file is written: a version, `*` for any, `-` for nothing, or no matter what. */
export function conditionOf(headers: {
  'if-match'?: string | undefined;
  'if-none-match'?: string | undefined;
}): string {
  const { 'if-match': match, 'if-none-match': none } = headers;
  if (none !== undefined) {
    if (none.trim() === '*' && match === undefined) return '-';
    throw refuse('if-none-match', 'must be * for a write, and stand alone');
  }
  if (match === undefined) return '';
  const version = match.trim() === '*' ? '*' : /^"([0-9a-f-]{1,64})"$/.exec(match.trim())?.[1];
  if (version !== undefined) return version;
  throw refuse('if-match', 'must be one ETag of an earlier answer, or *');
}

const refuse = (field: string, problem: string) =>
  new AppError('VALIDATION_ERROR', `${field}: ${problem}`, {
    details: { field, allowed: problem },
  });
