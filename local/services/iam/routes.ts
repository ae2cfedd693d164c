/** What roles may do, at the control port: every grant with its use, one grant omitted as if it were not deployed. */
import { z } from 'zod';
import { ControlError, type ControlRoute, parse, readJson } from '../front-door/control-route.ts';
import type { AccessControl } from './access-control.ts';

const Grant = z.object({
  role: z.string(),
  policy: z.string(),
  statement: z.int().nonnegative(),
  action: z.string(),
  resource: z.string(),
});

export function grantRoutes(access: AccessControl): readonly ControlRoute[] {
  const shown = () => ({ grants: access.grants() });
  return [
    { method: 'GET', path: /^\/grants$/, answer: async () => shown() },
    {
      method: 'DELETE',
      path: /^\/grants\/uses$/,
      answer: async () => {
        access.resetCounts();
        return shown();
      },
    },
    {
      method: 'POST',
      path: /^\/grants\/omissions$/,
      answer: async ({ incoming }) => {
        const grant = parse(Grant, await readJson(incoming));
        if (!access.omit(grant))
          throw new ControlError(404, 'NotFound', `No such grant: ${JSON.stringify(grant)}`);
        return grant;
      },
    },
    {
      method: 'DELETE',
      path: /^\/grants\/omissions$/,
      answer: async () => {
        access.restoreAll();
        return {};
      },
    },
  ];
}
