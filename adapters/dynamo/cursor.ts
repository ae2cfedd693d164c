/** Page cursors: DynamoDB's last key, opaque and URL-safe. One that was tampered with is refused. */
import { AppError } from '../../contract/errors.ts';

const invalid = () =>
  new AppError('VALIDATION_ERROR', 'query: cursor must be the nextCursor of an earlier answer', {
    details: {
      in: 'query',
      problems: [{ field: 'cursor', problem: 'must be the nextCursor of an earlier answer' }],
    },
  });

/** Our cursor → ElectroDB's. */
export function decodeCursor(cursor: string | undefined, prefix: string): string | null {
  if (cursor === undefined) return null;
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  // The partition of the page is inside: a cursor of another tenant's list is refused.
  if (!text.startsWith(`${prefix}|`)) throw invalid();
  return text.slice(prefix.length + 1);
}

export const encodeCursor = (cursor: string | null, prefix: string): string | null =>
  cursor === null ? null : Buffer.from(`${prefix}|${cursor}`, 'utf8').toString('base64url');
