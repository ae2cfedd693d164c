/** `npm run deploy` once the account is ready: what the CDK is called with. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { awsAccount } from '../../helpers/aws-account.ts';
import { tool } from '../../helpers/tools.ts';

test('hands every argument but its own to the CDK, in the Region that was named', async () => {
  const programs = await mkdtemp(join(tmpdir(), 'code-interpreter-cdk-'));
  const script = async (name: string, text: string) => {
    await writeFile(join(programs, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(programs, name), 0o755);
  };
  await script('docker', 'echo x86_64');
  await script('cdk', 'echo "cdk $* in $AWS_REGION"; exit 7');
  await using account = await awsAccount();
  const env = { ...account.env, PATH: programs };
  const args = ['-c', 'profile=prod', '--region', 'eu-west-1', '--require-approval', 'never'];
  const told = await tool('deploy', args, { env });
  await rm(programs, { recursive: true, force: true });
  expect(told.code).toBe(7);
  expect(told.stdout).toMatch(/^ok .*settings .*profile prod/m);
  expect(told.stdout).toMatch(
    /\ncdk deploy --all -c profile=prod --require-approval never in eu-west-1\n$/,
  );
});
