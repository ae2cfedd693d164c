/**
 * Schemas of the contract as the OpenAPI document has them: those with a name stand once under
 * `components` and are referred to, so that a client generator gives each type its name.
 */
import * as z from 'zod/mini';
import { Chart, TableData } from './charts.ts';
import { ErrorBody } from './errors.ts';
import { Event } from './events.ts';
import { Key, KeyWithSecret, Tenant, TenantLimits } from './rest/account.ts';
import { Execution, ExecutionSummary, Result } from './rest/executions.ts';
import { Sandbox } from './rest/sandboxes.ts';
import { Runtime } from './rest/service.ts';

export type Json = Record<string, unknown>;

const NAMED = {
  Chart,
  Error: ErrorBody,
  Event,
  Execution,
  ExecutionSummary,
  Key,
  KeyWithSecret,
  Result,
  Runtime,
  Sandbox,
  TableData,
  Tenant,
  TenantLimits,
} as const;

const names = z.registry<{ id: string }>();
for (const [id, schema] of Object.entries(NAMED)) names.add(schema, { id });

const LOCAL = '#/$defs/';
const SHARED = '#/components/schemas/';
/** The one schema that refers to itself has no name of its own: any JSON value. */
const nameOf = (local: string): string => (local.startsWith('__schema') ? 'Json' : local);

export class SchemaComponents {
  readonly #schemas: Record<string, Json> = {};

  /** The schemas that were referred to so far. */
  get schemas(): Readonly<Record<string, Json>> {
    return this.#schemas;
  }

  /** A schema whose references lead to the components. */
  of(schema: z.core.$ZodType, io: 'input' | 'output'): Json {
    const options = { io, unrepresentable: 'any', metadata: names } as const;
    const { $schema: _, $defs = {}, ...root } = z.toJSONSchema(schema, options);
    for (const [local, definition] of Object.entries($defs)) {
      const { id: __, ...said } = shared(definition) as Json;
      const name = nameOf(local);
      const known = this.#schemas[name];
      if (known && JSON.stringify(known) !== JSON.stringify(said)) {
        throw new Error(`two schemas are called ${name} in the OpenAPI document`);
      }
      this.#schemas[name] = said;
    }
    return shared(root) as Json;
  }
}

/** The same value, with every reference into its own definitions led to the components. */
function shared(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shared);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) =>
      name === '$ref' && typeof inner === 'string' && inner.startsWith(LOCAL)
        ? [name, `${SHARED}${nameOf(inner.slice(LOCAL.length))}`]
        : [name, shared(inner)],
    ),
  );
}
