/**
 * How states are left: what they hand on, what they assign, where to. Here are the states that neither wait nor call;
 * whatever passes time is in execution.ts.
 */
import type { ChoiceState } from './definition.ts';
import { evaluate, evaluateFields, type Scope } from './expressions.ts';
import type { Json } from './json.ts';
import { queryError, StateError } from './state-error.ts';

export interface Exit {
  readonly output: Json;
  readonly assigned: Readonly<Record<string, Json>>;
  /** Undefined ends the execution. */
  readonly next: string | undefined;
}

/** Output and variables are evaluated side by side: neither sees the other. */
export async function exitTo(options: {
  readonly next: string | undefined;
  readonly fields: {
    readonly Output?: Json | undefined;
    readonly Assign?: Readonly<Record<string, Json>> | undefined;
  };
  readonly scope: Scope;
  /** Handed on where there is no Output. */
  readonly otherwise: Json;
}): Promise<Exit> {
  const { next, fields, scope, otherwise } = options;
  const output =
    fields.Output === undefined ? otherwise : await evaluate(fields.Output, 'Output', scope);
  const assigned = await evaluateFields(fields.Assign ?? {}, 'Assign', scope);
  return { output, assigned, next };
}

export async function choose(state: ChoiceState, scope: Scope, input: Json): Promise<Exit> {
  for (const [index, rule] of state.Choices.entries()) {
    const location = `Choices[${index}].Condition`;
    const isChosen = await evaluate(rule.Condition, location, scope);
    if (typeof isChosen !== 'boolean')
      throw queryError(
        location,
        `The condition must be true or false, but was ${JSON.stringify(isChosen)}`,
      );
    if (isChosen) return exitTo({ next: rule.Next, fields: rule, scope, otherwise: input });
  }
  if (state.Default === undefined)
    throw new StateError('States.NoChoiceMatched', 'No choice matched, and there is no Default');
  return exitTo({ next: state.Default, fields: state, scope, otherwise: input });
}

export async function failure(
  state: { readonly Error?: string | undefined; readonly Cause?: string | undefined },
  scope: Scope,
): Promise<StateError> {
  const text = async (field: 'Error' | 'Cause'): Promise<string | undefined> => {
    const value = await evaluate(state[field] ?? null, field, scope);
    if (value === null || typeof value === 'string') return value ?? undefined;
    throw queryError(field, `The field '${field}' must be text, but was ${JSON.stringify(value)}`);
  };
  return new StateError((await text('Error')) ?? 'States.Failed', await text('Cause'));
}
