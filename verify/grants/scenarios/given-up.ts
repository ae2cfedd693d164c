/** Asynchronous events that a function cannot take end in a queue, sent with the function's own role. */
import type { Scenario } from '../scenario.ts';

/** Those whose events are not tried again. */
const NOT_REPEATED = ['pool', 'relay', 'transfer'];

export const givenUpScenarios: readonly Scenario[] = NOT_REPEATED.map((name) => ({
  name: `an event that ${name} cannot take is kept in a queue`,
  async run(world) {
    const before = await world.control.queued();
    await world.sendEvent(name, { task: 'nonsense' });
    await world.until(async () => (await world.control.queued()) > before);
  },
}));
