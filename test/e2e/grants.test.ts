/** A few grants, drawn anew for each run: without each of them something that needs it fails. All: `npm run verify:grants`. */
import { assert, expect, test } from 'vitest';
import { deploymentOf } from '../../verify/grants/deployment.ts';
import { draw } from '../../verify/grants/draw.ts';
import { keyOf, describe as nameOf, roleIdOf } from '../../verify/grants/names.ts';
import { isOnBehalf } from '../../verify/grants/on-behalf.ts';
import { QUICK } from '../../verify/grants/scenarios/index.ts';
import { dryRun, tryWithout } from '../../verify/grants/trials.ts';
import { target } from '../helpers/api.ts';

test.skipIf(!target.control)('a grant that is drawn is needed', async () => {
  const seed = Number(process.env['GRANTS_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`GRANTS_SEED=${seed}`);
  const { control: port, websocketUrl = '', baseUrl, apiKey } = target;
  const endpoints = { baseUrl, apiKey, websocketUrl };
  const control = { controlUrl: port?.url ?? '', controlToken: port?.token ?? '' };
  const deployment = await deploymentOf({ ...endpoints, ...control });
  const [scenario] = draw(QUICK, { count: 1, seed });
  assert(scenario);
  const use = await dryRun(deployment, scenario);
  assert(typeof use !== 'string', typeof use === 'string' ? use : '');
  const used = (await deployment.parts().control.grants()).filter(
    (grant) =>
      grant.effect === 'Allow' &&
      !isOnBehalf(roleIdOf(grant), grant.action) &&
      // What goes on besides a scenario is not its own.
      ['AccountRole', 'AuthorizerRole', 'FilesRole'].includes(roleIdOf(grant)) &&
      use.grants.has(keyOf(grant)),
  );
  expect(used).not.toEqual([]);
  for (const grant of draw(used, { count: 2, seed })) {
    const { killer, reason } = await tryWithout(deployment, grant, [use]);
    expect(killer, `${nameOf(grant)}: ${reason}`).toBeDefined();
  }
});
