/** `npm run keys` where there is nothing to invoke: each cause in a line that says what to do. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { tool } from '../../helpers/tools.ts';

/** Lambda that answers every call with this. */
async function lambdaThatSays(status: number, type: string, message: string) {
  const server = createServer((_, response) => {
    response
      .writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type })
      .end(JSON.stringify({ Message: message, message }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    env: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'AKIDTEST',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_REGION: 'eu-central-1',
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const REGION = { AWS_REGION: 'eu-central-1' };

test.each([
  ['no credentials', REGION, [], /No AWS credentials were found\. .*AWS_PROFILE/],
  ['no Region', {}, [], /No AWS Region is set\. .*--region/],
  ['an unknown profile', REGION, ['--profile', 'nobody'], /for the profile "nobody"/],
  ['no local deployment', {}, ['--local', '--endpoints', '/nonexistent'], /`npm start`/],
])('%s', async (_, env, args, says) => {
  const told = await tool('keys', ['list', ...args], { env });
  expect(told).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(says) });
  expect(told.stderr.trim().split('\n')).toHaveLength(1);
});

test.each([
  ['no tenant is named', ['create'], /--tenant .*--new-tenant/],
  ['the role is none', ['create', '--tenant', 'x', '--role', 'boss'], /admin, operator/],
  [
    'a count is none',
    ['rotate', '--tenant', 'x', '--key', 'y', '--grace-ms', '5m'],
    /whole number/,
  ],
  ['a time is none', ['create', '--tenant', 'x', '--expires', 'soon'], /--expires .*"soon"/],
])('says what to do where %s', async (_, args, says) => {
  const told = await tool('keys', args, { env: REGION });
  expect(told).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(says) });
  expect(told.stderr.trim().split('\n')).toHaveLength(1);
});

test.each([
  [
    404,
    'ResourceNotFoundException',
    'Function not found',
    /no function code-interpreter-account in eu-central-1.*--stack-name/,
  ],
  [
    403,
    'ExpiredTokenException',
    'The security token included in the request is expired',
    /credentials have expired.*sso login/,
  ],
  [
    403,
    'UnrecognizedClientException',
    'The security token is invalid',
    /does not know these credentials/,
  ],
  [
    403,
    'AccessDeniedException',
    'User: x is not authorized to perform: lambda:InvokeFunction',
    /lambda:InvokeFunction.*another profile/,
  ],
])('%i %s', async (status, type, message, says) => {
  await using lambda = await lambdaThatSays(status, type, message);
  const told = await tool('keys', ['list'], lambda);
  expect(told).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(says) });
  expect(told.stderr.trim().split('\n')).toHaveLength(1);
});
