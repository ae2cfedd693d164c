/** `metadata.K=V` of the query → a filter. Any other unknown field is refused by name. */
import { AppError } from '../../contract/errors.ts';
import type { InputOf } from '../../contract/operations.ts';
import type { SandboxFilter } from '../../core/sandbox/read-sandboxes.ts';

const PREFIX = 'metadata.';

export function metadataFilter(query: InputOf<'listSandboxes'>['query']): SandboxFilter {
  const { limit, cursor, status, runtime, ...rest } = query;
  const metadata: [string, string][] = [];
  for (const [name, value] of Object.entries(rest)) {
    if (!name.startsWith(PREFIX) || typeof value !== 'string') {
      throw new AppError('VALIDATION_ERROR', `query: ${name} is not a known field`, {
        details: { in: 'query', problems: [{ field: name, problem: 'is not a known field' }] },
      });
    }
    metadata.push([name.slice(PREFIX.length), value]);
  }
  return { limit, cursor, status, runtime, metadata: Object.fromEntries(metadata) };
}
