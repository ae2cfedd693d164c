/** The fault switch at the control port: list, add, remove one, remove all. */
import { z } from 'zod';
import { ControlError, type ControlRoute, parse, readJson } from '../control-route.ts';
import type { FaultSwitch } from './fault-switch.ts';
import { FaultRule } from './rules.ts';

const RuleId = z.uuid('the id of a rule is a UUID, as GET /faults lists it');

export function faultRoutes(faults: FaultSwitch): readonly ControlRoute[] {
  return [
    {
      method: 'GET',
      path: /^\/faults$/,
      answer: async () => ({ faults: faults.list() }),
    },
    {
      method: 'POST',
      path: /^\/faults$/,
      answer: async ({ incoming }) => faults.add(parse(FaultRule, await readJson(incoming))),
    },
    {
      method: 'DELETE',
      path: /^\/faults$/,
      answer: async () => {
        faults.clear();
        return { faults: [] };
      },
    },
    {
      method: 'DELETE',
      path: /^\/faults\/([^/]+)$/,
      answer: async ({ params: [id] }) => {
        const removed = faults.remove(parse(RuleId, id));
        if (removed === undefined) throw new ControlError(404, 'NotFound', `No rule ${id}`);
        return removed;
      },
    },
  ];
}
