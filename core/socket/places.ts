/**
 * Which sandbox an execution belongs to. That never changes, so a function remembers it and an ack
 * costs one request.
 */
import type { ExecutionId, SandboxId, TenantId } from '../../contract/ids.ts';
import { ownedBy } from '../execution/execution.ts';
import type { ExecutionStore } from '../execution/execution-store.ts';

const MAX_REMEMBERED = 10_000;

export class ExecutionPlaces {
  readonly #executions: Pick<ExecutionStore, 'get'>;
  readonly #known = new Map<ExecutionId, { sandboxId: SandboxId; tenantId: TenantId }>();

  constructor(executions: Pick<ExecutionStore, 'get'>) {
    this.#executions = executions;
  }

  /** @throws {AppError} EXECUTION_NOT_FOUND also for another tenant's */
  async of(id: ExecutionId, tenantId: TenantId): Promise<SandboxId> {
    const known = this.#known.get(id);
    if (known?.tenantId === tenantId) return known.sandboxId;
    const record = ownedBy(await this.#executions.get(id), tenantId, id);
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    this.#known.set(id, { sandboxId: record.sandboxId, tenantId });
    return record.sandboxId;
  }
}
