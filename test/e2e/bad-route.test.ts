/** Queries, ids, routes and headers that are wrong are refused in one closed shape, by their name. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { api, target } from '../helpers/api.ts';
import { expectRefusal } from '../helpers/refusals.ts';

const UNKNOWN_SANDBOX = `sb${'0'.repeat(20)}`;
const UNKNOWN_EXECUTION = `ex${'0'.repeat(20)}`;

describe('a query refuses', () => {
  const events = `/executions/${UNKNOWN_EXECUTION}/events`;
  test.each([
    ['an unknown parameter', `${events}?afterr=1`, 'afterr'],
    ['a parameter that is given twice', `${events}?after=1&after=2`, 'after'],
    ['a negative cursor', `${events}?after=-1`, 'after'],
    ['a cursor that is no number', `${events}?after=1e3`, 'after'],
    ['too long a wait', `${events}?waitMs=20001`, 'waitMs'],
    ['an unknown filter', '/sandboxes?metdata.run=1', 'metdata.run'],
    ['a page of nothing', '/sandboxes?limit=0', 'limit'],
    ['too large a page', '/sandboxes?limit=101', 'limit'],
    ['a status that is none', '/sandboxes?status=asleep', 'status'],
    ['a cursor of nobody', '/sandboxes?cursor=abc', 'cursor'],
    ['characters that no cursor has', '/sandboxes?cursor=%00', 'cursor'],
    ['a name that JavaScript gives a meaning', '/sandboxes?__proto__=1', '__proto__'],
    ['any parameter where there is none', `/sandboxes/${UNKNOWN_SANDBOX}?a=1`, 'a'],
  ])('%s', async (_, path, field) => {
    expectRefusal(await api(path), 'VALIDATION_ERROR', field);
  });

  test('a Last-Event-ID that is no number', async () => {
    const answer = await api(events, { headers: { 'Last-Event-ID': 'latest' } });
    expectRefusal(answer, 'VALIDATION_ERROR', 'Last-Event-ID');
  });
});

describe('an id', () => {
  test('that nothing has is not found', async () => {
    const sandbox = `/sandboxes/${UNKNOWN_SANDBOX}`;
    const execution = `/executions/${UNKNOWN_EXECUTION}`;
    for (const [path, call] of [
      [sandbox, {}],
      [sandbox, { method: 'DELETE' }],
      [`${sandbox}/executions`, {}],
      [`${sandbox}/execute`, { body: { code: '1' } }],
    ] as const)
      expectRefusal(await api(path, call), 'SANDBOX_NOT_FOUND', UNKNOWN_SANDBOX);
    for (const [path, call] of [
      [execution, {}],
      [execution, { method: 'DELETE' }],
      [`${execution}/events`, {}],
      [`${execution}/events`, { headers: { Accept: 'text/event-stream' } }],
    ] as const)
      expectRefusal(await api(path, call), 'EXECUTION_NOT_FOUND', UNKNOWN_EXECUTION);
  });

  test.each([
    'nope',
    UNKNOWN_EXECUTION,
    UNKNOWN_SANDBOX.toUpperCase(),
    `${UNKNOWN_SANDBOX}0`,
    'sb%2F..%2F..%2Fhealth',
    '%00',
    '%',
    '%zz',
    '%F0%9F%98%80',
    '<script>',
    "' or 1=1",
    '{sandboxId}',
    'x'.repeat(2_000),
  ])('that is malformed is refused by name: %s', async (id) => {
    expectRefusal(await api(`/sandboxes/${id}`), 'VALIDATION_ERROR', 'sandboxId');
    expectRefusal(
      await api(`/sandboxes/${id}/execute`, { body: { code: '1' } }),
      'VALIDATION_ERROR',
      'sandboxId',
    );
  });
});

test.each([
  ['an unknown route', '/nothing', 'GET'],
  ['the root', '/', 'GET'],
  ['a route below one', `/sandboxes/${UNKNOWN_SANDBOX}/files/x/y`, 'GET'],
  ['a known path with another method', '/sandboxes', 'PUT'],
])('%s is not found', async (_, path, method) => {
  expectRefusal(await api(path, { method }), 'NOT_FOUND');
});

test('a body over what API Gateway takes is refused before it is sent', async () => {
  const { apiKey, baseUrl } = target;
  const request = httpRequest(`${baseUrl}/sandboxes`, {
    method: 'POST',
    headers: {
      'X-API-Key': apiKey,
      'Content-Type': 'application/json',
      'Content-Length': 11 * 1024 * 1024,
    },
  });
  request.flushHeaders();
  const [response]: IncomingMessage[] = await once(request, 'response');
  if (!response) throw new Error('no response');
  const { statusCode = 0, headers } = response;
  const answer = {
    status: statusCode,
    headers: new Headers(),
    json: JSON.parse(await text(response)),
  };
  for (const [name, value] of Object.entries(headers)) answer.headers.set(name, String(value));
  expectRefusal(answer, 'PAYLOAD_TOO_LARGE');
  request.destroy();
});

test('headers over the limit are refused, and the next request is not', async () => {
  const answer = await fetch(`${target.baseUrl}/health`, {
    headers: { 'X-Large': 'large '.repeat(2_000) },
  });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(await answer.text()).not.toContain('large large');
  expect((await api('/health')).status).toBe(200);
});

test('a browser may ask before it sends', async () => {
  for (const [path, method] of [
    ['/sandboxes', 'POST'],
    [`/sandboxes/${UNKNOWN_SANDBOX}/execute`, 'POST'],
    [`/executions/${UNKNOWN_EXECUTION}`, 'DELETE'],
    [`/executions/${UNKNOWN_EXECUTION}/events`, 'GET'],
  ] as const) {
    const { status, headers } = await api(path, { method: 'OPTIONS', apiKey: null });
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-methods')).toContain(method);
    const allowed = headers.get('access-control-allow-headers')?.toLowerCase().split(/,\s*/);
    expect(allowed).toEqual(expect.arrayContaining(['content-type', 'x-api-key', 'last-event-id']));
  }
});
