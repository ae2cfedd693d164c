/** A few grants, drawn anew for each run: without each of them something that needs it fails. All: `npm run verify:grants`. */
import { expect, test } from 'vitest';
import { controlOf } from '../../verify/grants/control.ts';
import { draw } from '../../verify/grants/draw.ts';
import { keyOf, describe as nameOf, roleIdOf } from '../../verify/grants/names.ts';
import { isOnBehalf } from '../../verify/grants/on-behalf.ts';
import { operatorOf } from '../../verify/grants/operator.ts';
import { QUICK } from '../../verify/grants/scenarios/index.ts';
import { dryRun, tryWithout } from '../../verify/grants/trials.ts';
import { functionNamed } from '../../verify/grants/world.ts';
import { target } from '../helpers/api.ts';

test.skipIf(!target.control)('a grant that is drawn is needed', async () => {
  const seed = Number(process.env['GRANTS_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`GRANTS_SEED=${seed}`);
  const { control: port, websocketUrl = '', baseUrl, apiKey } = target;
  const endpoints = { baseUrl, apiKey, websocketUrl };
  const stack = { ...endpoints, controlUrl: port?.url ?? '', controlToken: port?.token ?? '' };
  const control = controlOf(stack);
  const parts = { stack, control, operator: await operatorOf(control, functionNamed) };
  const { uses, failures } = await dryRun(parts, draw(QUICK, { count: 1, seed }), () => {});
  expect(failures).toEqual([]);
  const used = (await control.grants()).filter(
    (grant) =>
      grant.effect === 'Allow' &&
      !isOnBehalf(roleIdOf(grant), grant.action) &&
      // What goes on besides a scenario is not its own.
      ['AccountRole', 'AuthorizerRole', 'FilesRole'].includes(roleIdOf(grant)) &&
      uses.some(({ grants }) => grants.has(keyOf(grant))),
  );
  expect(used).not.toEqual([]);
  for (const grant of draw(used, { count: 2, seed })) {
    const { killer, reason } = await tryWithout(parts, grant, uses);
    expect(killer, `${nameOf(grant)}: ${reason}`).toBeDefined();
  }
});
