/**
 * Evaluates the JSONata of a state: every string `{% … %}` in a template becomes its value. Evaluation is bounded in
 * time, depth and size, and nothing but JSON leaves it.
 */
import jsonata from 'jsonata';
import type { Clock } from './clock.ts';
import { addedFunctions } from './functions.ts';
import type { Json } from './json.ts';
import { queryError } from './state-error.ts';

/** What expressions see: `$states` and the variables assigned so far. */
export interface Scope {
  readonly clock: Clock;
  readonly random: () => number;
  readonly variables: Readonly<Record<string, Json>>;
  readonly states: Readonly<Record<string, Json>>;
}

/** Far above what a definition needs: they end what would never end. */
const bounds = { timeout: 5000, stack: 500, sequence: 1_000_000 };

/** Definitions are few and stay; their expressions are compiled once. */
const compiled = new Map<string, jsonata.Expression>();

function expressionIn(text: string): string | undefined {
  return text.startsWith('{%') && text.endsWith('%}') ? text.slice(2, -2) : undefined;
}

function compile(source: string): jsonata.Expression {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const expression = jsonata(source, bounds);
  compiled.set(source, expression);
  return expression;
}

/** The first expression within a value that is no JSONata, as a sentence. */
export function checkExpressions(value: unknown): string | undefined {
  if (typeof value === 'object' && value !== null)
    return Object.values(value)
      .map(checkExpressions)
      .find((problem) => problem !== undefined);
  const source = typeof value === 'string' ? expressionIn(value) : undefined;
  if (source === undefined) return undefined;
  try {
    compile(source);
    return undefined;
  } catch (error) {
    return `"${String(value)}" is no JSONata: ${messageOf(error)}`;
  }
}

/** `location` is the field's name, for the error. Throws a `StateError`. */
export async function evaluate(template: Json, location: string, scope: Scope): Promise<Json> {
  if (typeof template === 'string') {
    const source = expressionIn(template);
    return source === undefined ? template : evaluateExpression(source, location, scope);
  }
  if (Array.isArray(template)) {
    const items: Json[] = [];
    for (const [index, item] of template.entries())
      items.push(await evaluate(item, `${location}[${index}]`, scope));
    return items;
  }
  return typeof template === 'object' && template !== null
    ? evaluateFields(template, location, scope)
    : template;
}

/** As {@link evaluate}, field by field of an object. */
export async function evaluateFields(
  template: Readonly<Record<string, Json>>,
  location: string,
  scope: Scope,
): Promise<Record<string, Json>> {
  const fields: [string, Json][] = [];
  for (const [name, value] of Object.entries(template))
    fields.push([name, await evaluate(value, `${location}.${name}`, scope)]);
  return Object.fromEntries(fields);
}

async function evaluateExpression(source: string, location: string, scope: Scope): Promise<Json> {
  const described = `The JSONata expression '${source}' specified for the field '${location}'`;
  let value: unknown;
  try {
    const bindings = { ...addedFunctions(scope), ...scope.variables, states: scope.states };
    value = asJson(await compile(source).evaluate(undefined, bindings));
  } catch (error) {
    throw queryError(location, `${described} threw an error: ${messageOf(error)}`);
  }
  if (value === undefined) throw queryError(location, `${described} returned nothing (undefined).`);
  return value as Json;
}

/** JSONata marks its arrays and may hand out functions; JSON has neither. */
function asJson(value: unknown): unknown {
  const text = JSON.stringify(value, (_name, inner: unknown) => {
    const isFunction =
      typeof inner === 'function' ||
      (typeof inner === 'object' && inner !== null && '_jsonata_lambda' in inner);
    if (isFunction) throw new TypeError('it returned a function');
    return inner;
  }) as string | undefined;
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

/** JSONata throws plain objects with a message. */
function messageOf(error: unknown): string {
  const { message } = error as { readonly message?: unknown };
  return typeof message === 'string' ? message : String(error);
}
