/** Page cursors: DynamoDB's last key, opaque and URL-safe. One that was tampered with is refused. */
import { AppError } from '../../contract/errors.ts';

const invalid = () =>
  new AppError('VALIDATION_ERROR', 'query: cursor must be the nextCursor of an earlier answer', {
    details: {
      in: 'query',
      problems: [{ field: 'cursor', problem: 'must be the nextCursor of an earlier answer' }],
    },
  });

interface ElectroPage<T> {
  readonly data: T[];
  readonly cursor: string | null;
}

/** Reads a page from our cursor on. The partition is inside: a cursor of another list is refused. */
export async function readPage<T>(
  cursor: string | undefined,
  partition: string,
  read: (cursor: string | null) => Promise<ElectroPage<T>>,
): Promise<ElectroPage<T>> {
  const from = decode(cursor, partition);
  try {
    const page = await read(from);
    return { data: page.data, cursor: encode(page.cursor, partition) };
  } catch (error) {
    if (from !== null && isOfKey(error)) throw invalid();
    throw error;
  }
}

function decode(cursor: string | undefined, partition: string): string | null {
  if (cursor === undefined) return null;
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!text.startsWith(`${partition}|`)) throw invalid();
  return text.slice(partition.length + 1);
}

const encode = (cursor: string | null, partition: string): string | null =>
  cursor === null ? null : Buffer.from(`${partition}|${cursor}`, 'utf8').toString('base64url');

/** ElectroDB could not read the key, or DynamoDB says that it is not one of this list. */
function isOfKey(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { cause } = error;
  return (
    !(cause instanceof Error) ||
    cause.name === 'ValidationException' ||
    cause instanceof SyntaxError
  );
}
