/** What roles may do, at the control port: seen with its use, and taken away for a while. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { type AwsWorld, startAwsWorld } from '../../../local/assembly/world.ts';
import { type AssemblyFixture, writeAssembly } from '../../helpers/cloud-assembly.ts';
import { FakeTaskDriver } from '../../helpers/fake-task-driver.ts';
import { bundle, stackOf } from '../assembly/world-stack.ts';

let world: AwsWorld;
let assembly: AssemblyFixture;
beforeAll(async () => {
  assembly = await writeAssembly({ Ci: stackOf(await bundle()) });
  world = await startAwsWorld({
    assemblyDirectory: assembly.directory,
    taskDriver: new FakeTaskDriver(),
    ports: { rest: 0 },
    log: () => {},
  });
});
afterAll(async () => {
  await world?.close();
  await assembly?.[Symbol.asyncDispose]();
});

const Grants = z.object({
  grants: z.array(
    z.looseObject({
      role: z.string(),
      policy: z.string(),
      statement: z.number(),
      action: z.string(),
      resource: z.string(),
      functions: z.array(z.string()),
      used: z.number(),
      missed: z.number(),
      omitted: z.boolean(),
    }),
  ),
});

async function control(method: string, path: string, body?: unknown) {
  const response = await fetch(`${world.controlUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${world.controlToken}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: await response.json() };
}
const reads = async () => {
  const { grants } = Grants.parse((await control('GET', '/grants')).json);
  const found = grants.find(({ action }) => action === 'dynamodb:GetItem');
  if (found === undefined) throw new Error('the grant to read is not listed');
  return found;
};
const show = () => world.invokeOperator('Show', { pathParameters: { id: 'x' } });

it('a grant that is omitted is as if it had never been deployed, until it is restored', async () => {
  const grant = await reads();
  expect(grant.functions).toEqual([expect.stringMatching(/^Ci-Show-/)]);
  await show();
  expect(await reads()).toMatchObject({ used: 1, missed: 0, omitted: false });
  const { role, policy, statement, action, resource } = grant;
  const name = { role, policy, statement, action, resource };

  expect(await control('POST', '/grants/omissions', name)).toMatchObject({ status: 200 });
  await expect(show()).rejects.toThrow('AccessDeniedException');
  expect(await reads()).toMatchObject({ used: 1, missed: 1, omitted: true });

  await control('DELETE', '/grants/omissions');
  await control('DELETE', '/grants/uses');
  await show();
  expect(await reads()).toMatchObject({ used: 1, missed: 0, omitted: false });
});

it('a grant that no role has cannot be omitted', async () => {
  const { role, policy, statement, resource } = await reads();
  const other = { role, policy, statement, action: 'dynamodb:PutItem', resource };
  expect(await control('POST', '/grants/omissions', other)).toMatchObject({ status: 404 });
});
