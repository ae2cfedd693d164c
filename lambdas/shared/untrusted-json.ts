/** JSON that somebody sent. What the schemas would pass over in silence is refused here. */
import { AppError } from '../../contract/errors.ts';

/**
 * @param where what was read: `body`, `message`
 * @param depth how many levels of objects the schemas name
 * @throws {AppError} VALIDATION_ERROR
 */
export function untrustedJson(bytes: Uint8Array, where: string, depth: number): unknown {
  const value = parseJson(bytes, where);
  refusePrototype(value, where, depth);
  return value;
}

function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const problem = error instanceof SyntaxError ? 'must be JSON' : 'must be UTF-8';
    throw invalid(where, '(whole)', problem);
  }
}

/** Schemas pass over this one name; nobody's field may be lost like that. */
export function refusePrototype(
  value: unknown,
  where: string,
  depth = 1,
  path: readonly string[] = [],
): void {
  if (typeof value !== 'object' || value === null || depth === 0) return;
  if (Object.hasOwn(value, '__proto__'))
    throw invalid(where, [...path, '__proto__'].join('.'), 'is not a valid name');
  if (Array.isArray(value)) return;
  for (const [name, inner] of Object.entries(value))
    refusePrototype(inner, where, depth - 1, [...path, name]);
}

export const invalid = (where: string, field: string, problem: string) =>
  new AppError('VALIDATION_ERROR', `${where}: ${field} ${problem}`, {
    details: { in: where, problems: [{ field, problem }] },
  });
