/** Has AWS refuse one function one action, so that a rarer path is taken. Taken back with the scenario's other traces. */
import type { World } from '../scenario.ts';

interface Refusal {
  readonly service: string;
  readonly action: string;
  /** Of the function that asks. */
  readonly name: string;
}

export const refuse = (
  { control, functionNamed }: World,
  { service, action, name }: Refusal,
): Promise<unknown> =>
  control.fault({
    service,
    action,
    function: functionNamed(name),
    fault: { type: 'refuse', code: 'AccessDeniedException', status: 400 },
  });
