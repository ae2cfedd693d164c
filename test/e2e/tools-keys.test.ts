/** `npm run keys` against the local mode: what it prints, and what works with it. */
import { expect, test } from 'vitest';
import { api, target } from '../helpers/api.ts';
import { endpointsOf, tool } from '../helpers/tools.ts';

const statusWith = async (apiKey: string) => (await api('/runtimes', { apiKey })).status;

test('a tenant is made, its keys are made, listed, rotated and revoked', async () => {
  await using file = await endpointsOf(target);
  const keys = async (...args: string[]) => {
    const told = await tool('keys', [...args, '--local', '--endpoints', file.path]);
    expect(told.code, told.stderr).toBe(0);
    return told;
  };
  const first = await keys('create', '--new-tenant', 'tools');
  // Alone on stdout, so that a shell can take it.
  expect(first.stdout).toMatch(/^ci_[0-9a-f]{40}\n$/);
  expect(await statusWith(first.stdout.trim())).toBe(200);
  const [tenantId = ''] = /tn[a-z0-9]{20}/.exec(first.stderr) ?? [];

  const made = JSON.parse(
    (await keys('create', '--tenant', tenantId, '--role', 'viewer', '--name', 'ci', '--json'))
      .stdout,
  );
  expect(made).toMatchObject({ tenantId, role: 'viewer' });
  const rotated = await keys('rotate', '--tenant', tenantId, '--key', made.keyId);
  expect(await statusWith(rotated.stdout.trim())).toBe(200);
  await keys('revoke', '--tenant', tenantId, '--key', made.keyId);

  // A list may be half a second behind.
  const listed = async () => (await keys('list', '--tenant', tenantId)).stdout;
  await expect.poll(listed).toMatch(new RegExp(`^${made.keyId}  viewer .*revoked .*ci$`, 'm'));
  expect(await listed()).toMatch(/admin .*works {2}first key$/m);
  expect(await listed()).not.toContain('ci_');
  const tenants = async () => (await keys('list')).stdout;
  await expect.poll(tenants).toMatch(new RegExp(`^${tenantId} .*tools$`, 'm'));
});

test('what the deployment refuses is told in one line', async () => {
  await using file = await endpointsOf(target);
  const args = ['list', '--tenant', `tn${'0'.repeat(20)}`, '--local', '--endpoints', file.path];
  const told = await tool('keys', args);
  expect(told).toMatchObject({ code: 1, stdout: '' });
  expect(told.stderr).toMatch(/^NOT_FOUND: There is no tenant tn0+\.\n$/);
});
