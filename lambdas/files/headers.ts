/** The headers of HTTP that go to the agent and come from it. What they ask for is the agent's to judge. */
import { AppError } from '../../contract/errors.ts';
import type { FileConditions } from '../../core/agent/agent-files.ts';

/** A list of ETags, or a range: text of one line. */
const VALUE = /^[\x20-\x7e]{1,1024}$/;

export function conditionsOf(
  request: { header(name: string): string | undefined },
  names: readonly (keyof FileConditions)[],
): FileConditions {
  const given = names.flatMap((name) => {
    const value = request.header(name);
    if (value === undefined) return [];
    if (!VALUE.test(value)) throw invalid(name);
    return [[name, value]];
  });
  return Object.fromEntries(given);
}

const SHOWN = {
  etag: 'ETag',
  'last-modified': 'Last-Modified',
  'content-range': 'Content-Range',
} as const;

export function fileHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const found = Object.entries(SHOWN).flatMap(([name, shown]) => {
    const value = headers[name];
    return value === undefined ? [] : [[shown, value]];
  });
  return { ...Object.fromEntries(found), 'Accept-Ranges': 'bytes' };
}

const invalid = (field: string) => {
  const problem = 'must be 1 to 1024 visible ASCII characters';
  return new AppError('VALIDATION_ERROR', `header: ${field} ${problem}`, {
    details: { in: 'header', problems: [{ field, problem }] },
  });
};
