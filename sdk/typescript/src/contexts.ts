/** The contexts of one sandbox: named interpreter states that runs name by id. */
import type * as z from 'zod/mini';
import type { CompleteRequest, Completion } from '../../../contract/agent/completion.ts';
import type { Context, CreateContextBody } from '../../../contract/rest/contexts.ts';
import type { Api } from './transport/http.ts';
import { call } from './transport/retry.ts';

/** What a context is made from. */
export type CreateContextOptions = z.input<typeof CreateContextBody>;

/**
 * The contexts of a sandbox, as `sandbox.contexts`. Each has its own variables and runs one thing at
 * a time; different ones run at once.
 *
 * @example
 * ```ts
 * const { id } = await sandbox.contexts.create({ language: 'bash' });
 * await sandbox.execute('cd /tmp; x=5', { contextId: id });
 * await sandbox.execute('echo $x $PWD', { contextId: id });
 * ```
 */
export class Contexts {
  readonly #api: Api;
  readonly #sandboxId: string;

  /** @internal */
  constructor(api: Api, sandboxId: string) {
    this.#api = api;
    this.#sandboxId = sandboxId;
  }

  /**
   * Makes a context.
   *
   * @throws {@link CodeInterpreterError} `RESOURCE_LIMIT_ERROR` where the sandbox has its 16 already,
   *   `NOT_SUPPORTED` where it does not have the language
   */
  create(options: CreateContextOptions): Promise<Context> {
    return call(this.#api, 'createContext', {
      params: { sandboxId: this.#sandboxId },
      body: options,
      idempotencyKey: crypto.randomUUID(),
    });
  }

  /** All of them, with those that the languages have by themselves. */
  async list(): Promise<Context[]> {
    const params = { sandboxId: this.#sandboxId };
    return (await call(this.#api, 'listContexts', { params })).items;
  }

  /**
   * Gives it a fresh interpreter; what runs or waits in it ends as `killed`.
   *
   * @throws {@link CodeInterpreterError} `CONTEXT_NOT_FOUND`
   */
  restart(contextId: string): Promise<Context> {
    return call(this.#api, 'restartContext', { params: this.#paramsOf(contextId) });
  }

  /**
   * Deletes it; what runs or waits in it ends as `killed`.
   *
   * @throws {@link CodeInterpreterError} `CONTEXT_NOT_FOUND`
   */
  async delete(contextId: string): Promise<void> {
    await call(this.#api, 'deleteContext', { params: this.#paramsOf(contextId) });
  }

  /**
   * Says what could stand at `cursor` in the code: before that position of the string, at its end where
   * it is not given. By the names that the context knows; none of the code runs.
   *
   * @throws {@link CodeInterpreterError} `CONTEXT_NOT_FOUND`, `INVALID_SANDBOX_STATE` while it runs
   *   something
   *
   * @example
   * ```ts
   * const { matches } = await sandbox.contexts.complete(id, 'import math; math.sq');
   * ```
   */
  complete(contextId: string, code: string, cursor?: number): Promise<Completion> {
    const body: CompleteRequest = { code, ...(cursor === undefined ? {} : { cursor }) };
    return call(this.#api, 'completeCode', { params: this.#paramsOf(contextId), body });
  }

  #paramsOf(contextId: string) {
    return { sandboxId: this.#sandboxId, contextId };
  }
}
