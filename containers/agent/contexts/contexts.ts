/**
 * The contexts of this sandbox by id, and the default one of each language, which is made when it is
 * first asked for. Owns how many there may be. Must never give one language's code to another.
 */
import { randomBytes } from 'node:crypto';
import type { CompleteRequest, Completion } from '../../../contract/agent/completion.ts';
import type { AgentContext, CreateContextRequest } from '../../../contract/agent/contexts.ts';
import { AppError } from '../../../contract/errors.ts';
import { ContextId } from '../../../contract/ids.ts';
import type { Language } from '../../../contract/runtimes.ts';
import type { Execution } from '../executions/execution.ts';
import { languageNotHere } from '../languages.ts';
import type { Context, ContextFacts } from './context.ts';
import type { Preloader } from './preloader.ts';

export interface ContextsOptions {
  /** The languages that this machine can run. */
  readonly languages: Promise<ReadonlySet<Language>>;
  readonly open: (facts: ContextFacts) => Context;
  /** Called once a context has been made that was asked for: another may follow. */
  readonly expectMore: (language: Language) => void;
  readonly preloader: Preloader;
  readonly maxContexts: number;
  /** Throws where nothing new may begin. */
  readonly refuseNew: () => void;
}

interface Entry {
  readonly context: Context;
  /** What it was made from; a default context was asked for by nobody. */
  readonly request?: CreateContextRequest;
}

export class Contexts {
  readonly #options: ContextsOptions;
  readonly #entries = new Map<string, Entry>();
  #languages: ReadonlySet<Language> = new Set();
  /** Once it is known which languages there are; they are asked of it only then. */
  readonly ready: Promise<void>;

  constructor(options: ContextsOptions) {
    this.#options = options;
    this.ready = options.languages.then((languages) => {
      this.#languages = languages;
    });
    // Told to whoever waits for it.
    this.ready.catch(() => undefined);
  }

  /** Safe to repeat with the same body. */
  create(request: CreateContextRequest): AgentContext {
    const { contextId: id, language, cwd, env } = request;
    const known = this.#entries.get(id);
    if (known) {
      if (known.request && sameRequest(known.request, request)) return known.context.describe();
      throw new AppError(
        'IDEMPOTENCY_CONFLICT',
        `${id} was made from another body; a new context needs a new id`,
        { details: { field: 'contextId', value: id } },
      );
    }
    const given = { ...(cwd === undefined ? {} : { cwd }), ...(env === undefined ? {} : { env }) };
    const context = this.#open({ id, language, isDefault: false, ...given }, request);
    void context.warm().then(() => this.#options.expectMore(language));
    return context.describe();
  }

  /** Whether code of this language can run here. */
  has(language: Language): boolean {
    return this.#languages.has(language);
  }

  list(): AgentContext[] {
    return this.all().map((context) => context.describe());
  }

  all(): Context[] {
    return [...this.#entries.values()].map(({ context }) => context);
  }

  get(id: string): Context {
    const entry = this.#entries.get(id);
    if (entry) return entry.context;
    throw new AppError(
      'CONTEXT_NOT_FOUND',
      `there is no context ${id} in this sandbox; list its contexts, or make one`,
      { details: { contextId: id } },
    );
  }

  /** Where an execution is to run. */
  for(request: { contextId?: ContextId | undefined; language: Language }): Context {
    const { contextId, language } = request;
    if (contextId === undefined) return this.defaultOf(language);
    const context = this.get(contextId);
    if (context.facts.language === language) return context;
    throw new AppError(
      'VALIDATION_ERROR',
      `language: context ${contextId} runs ${context.facts.language}, got ${language}; name one of the two`,
      { details: { field: 'language', value: language, allowed: context.facts.language } },
    );
  }

  defaultOf(language: Language): Context {
    const known = this.all().find(({ facts }) => facts.isDefault && facts.language === language);
    return known ?? this.#open({ id: newContextId(), language, isDefault: true });
  }

  /** Something else than code of a context is about to run. */
  giveWay(): void {
    this.#options.preloader.giveWay();
  }

  async complete(id: string, request: CompleteRequest): Promise<Completion> {
    const context = this.get(id);
    this.#options.refuseNew();
    return context.complete(request);
  }

  async restart(id: string): Promise<AgentContext> {
    const context = this.get(id);
    this.#options.refuseNew();
    await context.restart();
    return context.describe();
  }

  /** What runs and waits in it ends as killed. */
  async delete(id: string): Promise<void> {
    const context = this.get(id);
    this.#entries.delete(id);
    await context.close();
  }

  /** For good; answers which executions that ended. */
  async close(): Promise<Execution[]> {
    this.#options.preloader.close();
    return (await Promise.all(this.all().map((context) => context.close()))).flat();
  }

  #open(facts: Omit<ContextFacts, 'createdAt'>, request?: CreateContextRequest): Context {
    const { maxContexts, open, refuseNew } = this.#options;
    refuseNew();
    if (!this.has(facts.language)) throw languageNotHere(facts.language, [...this.#languages]);
    if (this.#entries.size >= maxContexts)
      throw new AppError(
        'RESOURCE_LIMIT_ERROR',
        `this sandbox has ${maxContexts} contexts already, with those that the languages have by themselves; delete one`,
        { details: { limit: 'contexts', value: maxContexts }, retryAfterSeconds: 1 },
      );
    const context = open({ ...facts, createdAt: new Date().toISOString() });
    this.#entries.set(facts.id, { context, ...(request === undefined ? {} : { request }) });
    return context;
  }
}

export function newContextId(): ContextId {
  return ContextId.parse(`cx${randomBytes(10).toString('hex')}`);
}

/** Equal whatever the order of names. */
function sameRequest(a: CreateContextRequest, b: CreateContextRequest): boolean {
  const fields = ({ contextId, language, cwd, env = {} }: CreateContextRequest) => {
    const names = Object.entries(env).toSorted(([one], [other]) => (one < other ? -1 : 1));
    return JSON.stringify([contextId, language, cwd, names]);
  };
  return fields(a) === fields(b);
}
