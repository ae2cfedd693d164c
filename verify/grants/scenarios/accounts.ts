/** Tenants, keys, tickets: `account` and `authorizer`. */
import { randomUUID } from 'node:crypto';
import { expect, type Scenario, type World } from '../scenario.ts';
import { connect } from './socket-client.ts';

const tenantKey = async ({ invoke }: World, role = 'admin'): Promise<string> => {
  const { data } = (await invoke('account', {
    action: 'createTenant',
    name: 'verify',
    role,
  })) as { data: { apiKey: string } };
  return data.apiKey;
};

export const accountScenarios: readonly Scenario[] = [
  {
    name: 'a tenant is made, and its key works',
    async run(world) {
      const apiKey = await tenantKey(world);
      await world.call('/runtimes', { apiKey });
    },
  },
  {
    name: 'keys are made once, listed, rotated and revoked',
    async run(world) {
      const apiKey = await tenantKey(world);
      const headers = { 'Idempotency-Key': randomUUID() };
      const body = { name: 'k', role: 'developer' };
      const { data } = await world.call('/keys', { apiKey, body, headers }, 201);
      await world.call('/keys', { apiKey, body, headers }, 200);
      const listed = await world.call('/keys', { apiKey });
      expect((listed.data['items'] as unknown[]).length === 2, 'two keys are listed');
      await world.call(`/keys/${String(data['id'])}/rotate`, {
        apiKey,
        body: { graceMs: 60_000 },
      });
      const own = { apiKey: String(data['apiKey']) };
      await world.call('/runtimes', own);
      const ticket = await world.call('/tickets', { ...own, method: 'POST' });
      using socket = await connect(world, { ticket: String(ticket.data['ticket']) });
      await world.call(`/keys/${String(data['id'])}`, { apiKey, method: 'DELETE' });
      socket.send('system.ping', {});
      await socket.hear('error', 'system.pong');
    },
  },
  {
    name: 'an operator lists tenants and reads usage',
    async run(world) {
      const apiKey = await tenantKey(world, 'operator');
      await world.call('/tenants?limit=1', { apiKey });
      await world.call('/usage', { apiKey });
    },
  },
  {
    name: 'a ticket connects once',
    async run(world) {
      const { data } = await world.call('/tickets', { method: 'POST' });
      using socket = await connect(world, { ticket: String(data['ticket']) });
      socket.send('system.ping', {});
      await socket.hear('system.pong');
    },
  },
];
