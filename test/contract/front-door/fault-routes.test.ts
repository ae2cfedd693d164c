import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStage, type Stage } from '../lambda/stage.ts';
import { openControl } from './control.ts';

let stage: Stage;
let control: Awaited<ReturnType<typeof openControl>>;
beforeEach(async () => {
  stage = await openStage();
  control = await openControl(stage);
});
afterEach(async () => {
  await control[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});

const call = (method: string, path: string, rule?: unknown) =>
  control.send(`${method} ${path}`, rule === undefined ? {} : { body: JSON.stringify(rule) });

const throttle = { service: 'ecs', action: 'Run*', times: 3, fault: { type: 'throttle' } };

test('rules are added, listed with their hits, and removed one by one or all at once', async () => {
  const first = await call('POST', '/faults', throttle);
  const second = await call('POST', '/faults', { service: 's3', fault: { type: 'refuse' } });
  expect(first.body).toEqual({ id: expect.any(String), rule: throttle, hits: 0, held: 0 });

  expect((await call('GET', '/faults')).body.faults).toEqual([first.body, second.body]);
  expect((await call('DELETE', `/faults/${first.body.id}`)).body).toEqual(first.body);
  expect((await call('DELETE', `/faults/${first.body.id}`)).status).toBe(404);
  expect((await call('GET', '/faults')).body.faults).toEqual([second.body]);
  expect((await call('DELETE', '/faults')).body.faults).toEqual([]);
  expect((await call('GET', '/faults')).body.faults).toEqual([]);
});

const rule = { service: 'dynamodb', fault: { type: 'throttle' } };

test.each([
  ['no service', { fault: { type: 'throttle' } }, /service: /],
  ['no fault', { service: 'dynamodb' }, /fault: /],
  ['an unknown field', { ...rule, table: 'state' }, /Unrecognized key: \\?"table/],
  ['an unknown fault', { ...rule, fault: { type: 'explode' } }, /refuse, throttle, delay/],
  ['a word of another fault', { ...rule, fault: { type: 'repeat', ms: 5 } }, /fault: .*"ms/],
  ['a delay without end', { ...rule, fault: { type: 'delay', ms: 1e9 } }, /fault.ms: .*600000/],
  [
    'a cut before the start',
    { ...rule, fault: { type: 'cut', of: 'request', atByte: -1 } },
    /atByte/,
  ],
  ['an error that is no name', { ...rule, fault: { type: 'refuse', code: '<b>' } }, /fault.code/],
  [
    'a status that is no error',
    { ...rule, fault: { type: 'refuse', status: 200 } },
    /fault.status/,
  ],
  ['never', { ...rule, times: 0 }, /times/],
  ['a sure thing and more', { ...rule, probability: 1.5 }, /probability/],
  ['times and probability', { ...rule, times: 1, probability: 0.5 }, /not both/],
  ['a request that is dropped', { ...rule, fault: { type: 'drop' } }, /only an event/],
  [
    'an event that is cut',
    { service: 'lambda', action: 'DeliverEvent', fault: { type: 'lost-answer' } },
    /delayed, repeated or dropped/,
  ],
])('a rule with %s is refused, and changes nothing', async (_, bad, message) => {
  const { status, body } = await call('POST', '/faults', bad);
  expect(status).toBe(400);
  expect(body.error).toMatchObject({ code: 'InvalidParameter' });
  expect(body.error.message).toMatch(message);
  expect((await call('GET', '/faults')).body.faults).toEqual([]);
});

test('the id of a rule is a UUID', async () => {
  expect(await call('DELETE', '/faults/7')).toMatchObject({ status: 400 });
});
