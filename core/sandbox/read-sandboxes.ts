/** Read and list sandboxes, and ask for the end of one at its owner's wish. */
import type { SandboxId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { Sandbox } from '../../contract/rest/sandboxes.ts';
import { runtimeFamily } from '../../contract/runtimes.ts';
import type { Caller } from '../account/caller.ts';
import { type RequestEndDeps, requestEnd } from './request-end.ts';
import { ownedBy, sandboxNotFound, toSandbox } from './sandbox.ts';
import type { SandboxStore } from './sandbox-store.ts';

export async function getSandbox(
  deps: { sandboxes: SandboxStore },
  id: SandboxId,
  caller: Caller,
): Promise<Sandbox> {
  return toSandbox(ownedBy(await deps.sandboxes.get(id), caller.tenantId, id));
}

export async function terminateSandbox(
  deps: RequestEndDeps,
  id: SandboxId,
  caller: Caller,
): Promise<Sandbox> {
  ownedBy(await deps.sandboxes.get(id), caller.tenantId, id);
  const ended = await requestEnd(deps, { id, reason: 'terminated' });
  if (!ended) throw sandboxNotFound(id);
  return toSandbox(ended);
}

export interface SandboxFilter {
  readonly status?: Sandbox['status'] | undefined;
  readonly runtime?: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** Pages are cut before the filter, so a page may hold fewer than `limit` and still not be the last. */
export async function listSandboxes(
  deps: { sandboxes: SandboxStore },
  filter: SandboxFilter,
  caller: Caller,
): Promise<{ items: Sandbox[]; nextCursor: string | null }> {
  const page = await deps.sandboxes.list(caller.tenantId, {
    limit: filter.limit ?? LIMITS.pageSize.default,
    cursor: filter.cursor,
  });
  const items = page.items.map(toSandbox).filter((sandbox) => matches(sandbox, filter));
  return { items, nextCursor: page.cursor };
}

function matches(sandbox: Sandbox, filter: SandboxFilter): boolean {
  if (filter.status && sandbox.status !== filter.status) return false;
  if (
    filter.runtime &&
    filter.runtime !== sandbox.runtime &&
    filter.runtime !== runtimeFamily(sandbox.runtime)
  )
    return false;
  return Object.entries(filter.metadata).every(([key, value]) => sandbox.metadata[key] === value);
}
