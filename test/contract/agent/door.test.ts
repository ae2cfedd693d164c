/** What the agent refuses of those who have no token: web pages, and user code in its own sandbox. */
import { type ClientRequest, type OutgoingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentHealth } from '../../../contract/agent/protocol.ts';
import { AgentErrorBody } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { startAgent, type TestAgent } from '../../helpers/agent.ts';

interface Sent {
  readonly status: number | undefined;
  readonly body: unknown;
}

/** With just these headers; the body is left to the caller. */
function begin(agent: TestAgent, method: string, path: string, headers: OutgoingHttpHeaders) {
  const { promise, resolve, reject } = Promise.withResolvers<Sent>();
  const call: ClientRequest = request(`${agent.baseUrl}${path}`, { method, headers });
  call.on('error', reject).on('response', (response) => {
    text(response).then(
      (body) => resolve({ status: response.statusCode, body: body && JSON.parse(body) }),
      reject,
    );
  });
  return { call, answer: promise };
}

async function send(
  agent: TestAgent,
  [method, path]: readonly [string, string],
  headers: OutgoingHttpHeaders,
  body?: string,
): Promise<Sent> {
  const { call, answer } = begin(agent, method, path, headers);
  call.end(body);
  return answer;
}

const json = { 'content-type': 'application/json' };
const detailsOf = ({ body }: Sent) => AgentErrorBody.parse(body).details;

describe('an agent that waits for its init', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'plain', init: false });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it.each([
    ['an origin', { ...json, origin: 'https://page.example' }, 403, 'origin'],
    ['an opaque origin', { ...json, origin: 'null' }, 403, 'origin'],
    ['the mark of a fetch', { ...json, 'sec-fetch-site': 'same-origin' }, 403, 'sec-fetch-site'],
    ['a name for a host', { ...json, host: 'page.example:49983' }, 400, 'host'],
    ['a name like an address', { ...json, host: '127.0.0.1.page.example' }, 400, 'host'],
    ['localhost', { ...json, host: 'localhost:49983' }, 400, 'host'],
    ['a form', { 'content-type': 'text/plain' }, 415, 'content-type'],
    ['no type', {}, 415, 'content-type'],
    ['chunks of no type', { 'transfer-encoding': 'chunked' }, 415, 'content-type'],
  ])('is claimed by no request with %s', async (_, headers, status, field) => {
    const body = JSON.stringify(agent.initBody());
    const sent = await send(agent, ['POST', '/init'], headers, body);
    expect([sent.status, detailsOf(sent)?.['field']]).toEqual([status, field]);
    const health = await agent.call('GET', '/health');
    expect(AgentHealth.parse(health.body).initialized).toBe(false);
  });

  it('shows no page that it lives', async () => {
    const sent = await send(agent, ['GET', '/health'], { origin: 'https://page.example' });
    expect(sent.status).toBe(403);
  });

  it('takes a type with parameters, hosts of both families, and no type without a body', async () => {
    const authorization = `Bearer ${agent.token}`;
    for (const host of ['127.0.0.1', '10.0.1.2:49983', '[::1]:49983'])
      expect((await send(agent, ['GET', '/health'], { host })).status).toBe(200);
    expect((await send(agent, ['POST', '/drain'], { authorization })).status).not.toBe(415);
    const type = { 'content-type': 'Application/JSON; charset=utf-8' };
    expect((await send(agent, ['POST', '/init'], type, '{}')).status).toBe(400);
  });
});

describe('the init of an agent', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'plain', init: false });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it('takes the largest env, however it is escaped', async () => {
    const env = { A: '\u0001'.repeat(LIMITS.envBytes - 4_096), B: '[{,"\\'.repeat(600) };
    await agent.init({ env });
  });

  it('reads no large body of those who have no token', async () => {
    const sent = await send(agent, ['POST', '/init'], json, `[${'[],'.repeat(300_000)}[]]`);
    expect(sent.status).toBe(413);
    const parts = await send(agent, ['POST', '/init'], json, `[${'[],'.repeat(60_000)}[]]`);
    expect([parts.status, detailsOf(parts)?.['allowed']]).toEqual([413, 1_024]);
  });

  it('reads one body at a time, and the next after it', async () => {
    const slow = begin(agent, 'POST', '/init', { ...json, expect: '100-continue' });
    slow.call.flushHeaders();
    await new Promise((resolve) => slow.call.once('continue', resolve));
    const refused = await send(agent, ['POST', '/init'], json, '{}');
    expect([refused.status, AgentErrorBody.parse(refused.body).code]).toEqual([
      429,
      'RATE_LIMITED',
    ]);
    slow.call.end('{}');
    expect((await slow.answer).status).toBe(400);
    expect((await send(agent, ['POST', '/init'], json, '{}')).status).toBe(400);
  });

  it('reads again when the sender of a body has gone', async () => {
    const gone = begin(agent, 'POST', '/init', { ...json, expect: '100-continue' });
    gone.answer.catch(() => undefined);
    gone.call.flushHeaders();
    await new Promise((resolve) => gone.call.once('continue', resolve));
    gone.call.destroy();
    await expect
      .poll(async () => (await send(agent, ['POST', '/init'], json, '{}')).status, { interval: 5 })
      .toBe(400);
  });

  it('shows no list or object of a caller, and no long name', async () => {
    const body = { ...agent.initBody(), expiresAt: [[['deep']]] };
    const list = await send(agent, ['POST', '/init'], json, JSON.stringify(body));
    expect([list.status, detailsOf(list)?.['field']]).toEqual([400, 'expiresAt']);
    expect(JSON.stringify(list.body)).not.toContain('deep');
    const name = JSON.stringify({ ...agent.initBody(), ['x'.repeat(50_000)]: 1 });
    const long = await send(agent, ['POST', '/init'], json, name);
    expect(long.status).toBe(400);
    expect(JSON.stringify(long.body).length).toBeLessThan(500);
  });
});
