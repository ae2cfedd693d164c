import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import type { EventBridgeBehaviour } from '../../../local/services/event-bridge/behaviour.ts';
import { EventBridgeService } from '../../../local/services/event-bridge/event-bridge-service.ts';
import type { RuleDefinition } from '../../../local/services/event-bridge/types.ts';
import { credentials, region, startAwsServer } from '../../helpers/aws-server.ts';

const rule = (name: string, more: Partial<RuleDefinition>): RuleDefinition => ({
  name,
  arn: `arn:aws:events:us-east-1:000000000000:rule/${name}`,
  busName: 'default',
  enabled: true,
  eventPattern: undefined,
  scheduleExpression: undefined,
  targets: [{ id: 'Target0', functionArn: `arn:of:${name}`, input: undefined }],
  ...more,
});

function start(
  rules: readonly RuleDefinition[],
  invokeAsync?: () => void,
  behaviour?: EventBridgeBehaviour,
) {
  const invoked: { name: string; payload: Record<string, unknown> }[] = [];
  const logged: string[] = [];
  const given: [string, unknown][] = [];
  const timers = new Set<{ delayMs: number; run: () => void }>();
  let now = Date.parse('2026-11-21T10:00:00.500Z');
  const service = new EventBridgeService({
    accountId: '000000000000',
    region,
    behaviour,
    invoker: {
      invokeAsync: (name, payload) => {
        invokeAsync?.();
        invoked.push({ name, payload: payload as Record<string, unknown> });
      },
    },
    log: (message) => logged.push(message),
    deadLetter: (queueArn, event) => given.push([queueArn, event]),
    now: () => now,
    later: (delayMs, run) => {
      const timer = { delayMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  });
  for (const definition of rules) service.putRule(definition);
  return {
    service,
    invoked,
    logged,
    given,
    timers,
    /** Lets time pass to the next timer, and a little over. */
    tick: (lateMs = 0) => {
      const [timer] = [...timers].sort((a, b) => a.delayMs - b.delayMs);
      if (timer === undefined) throw new Error('nothing is scheduled');
      timers.delete(timer);
      now += timer.delayMs + lateMs;
      timer.run();
    },
  };
}

const published = {
  source: 'aws.ecs',
  detailType: 'ECS Task State Change',
  resources: ['arn:task'],
  detail: { lastStatus: 'RUNNING' },
};

describe('a rule with a pattern', () => {
  it('hands the whole event to its functions', () => {
    const { service, invoked } = start([rule('tasks', { eventPattern: { source: ['aws.ecs'] } })]);
    service.publish(published);
    expect(invoked).toEqual([
      {
        name: 'arn:of:tasks',
        payload: {
          version: '0',
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          'detail-type': 'ECS Task State Change',
          source: 'aws.ecs',
          account: '000000000000',
          time: '2026-11-21T10:00:00Z',
          region,
          resources: ['arn:task'],
          detail: { lastStatus: 'RUNNING' },
        },
      },
    ]);
  });

  it('hears nothing when it is disabled, on another bus, or does not match', () => {
    const eventPattern = { source: ['aws.ecs'] };
    const { service, invoked } = start([
      rule('off', { eventPattern, enabled: false }),
      rule('elsewhere', { eventPattern, busName: 'own' }),
      rule('other', { eventPattern: { source: ['aws.s3'] } }),
    ]);
    service.publish(published);
    expect(invoked).toEqual([]);
  });

  it('may hand over a constant input', () => {
    const targets = [{ id: 't', functionArn: 'arn:f', input: '{"task":"minute"}' }];
    const { service, invoked } = start([
      rule('r', { eventPattern: { source: ['aws.ecs'] }, targets }),
    ]);
    service.publish(published);
    expect(invoked).toEqual([{ name: 'arn:f', payload: { task: 'minute' } }]);
  });

  it('logs what no function can take, puts it into the queue of its target, and goes on', () => {
    const target = { id: 't', functionArn: 'arn:of:r', input: undefined };
    const targets = [target, { ...target, deadLetterArn: 'arn:of:queue' }];
    const { service, logged, given } = start(
      [rule('r', { eventPattern: { source: ['aws.ecs'] }, targets })],
      () => {
        throw new Error('Function not found');
      },
    );
    service.publish(published);
    const line = 'rule r could not reach arn:of:r: Function not found';
    expect(logged).toEqual([line, line]);
    expect(given).toEqual([['arn:of:queue', expect.objectContaining({ source: 'aws.ecs' })]]);
  });
});

describe('a rule with a schedule', () => {
  it('fires each time, leaves out what it slept through, and ends with the service', async () => {
    const { service, invoked, timers, tick } = start([
      rule('minute', { scheduleExpression: 'rate(1 minute)' }),
      rule('off', { scheduleExpression: 'rate(1 minute)', enabled: false }),
    ]);
    expect(timers.size).toBe(0);
    service.startSchedules();
    tick();
    tick(150_000);
    tick();
    expect(invoked.map(({ payload }) => payload['time'])).toEqual([
      '2026-11-21T10:01:00Z',
      '2026-11-21T10:04:30Z',
      '2026-11-21T10:05:00Z',
    ]);
    expect(invoked[0]?.payload).toMatchObject({
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      resources: ['arn:aws:events:us-east-1:000000000000:rule/minute'],
      detail: {},
    });
    await service.close();
    expect(timers.size).toBe(0);
  });

  it('may be fired at once, which leaves its next time as it was', () => {
    const { service, invoked, timers } = start([
      rule('minute', { scheduleExpression: 'rate(1 minute)' }),
      rule('tasks', { eventPattern: { source: ['aws.events'] } }),
    ]);
    service.startSchedules();
    const before = [...timers];
    service.fireSchedules();
    expect(invoked.map(({ name }) => name)).toEqual(['arn:of:minute']);
    expect([...timers]).toEqual(before);
  });

  it('waits for a far day in pieces that a timer can hold', () => {
    const { service, invoked, timers, tick } = start([
      rule('yearly', { scheduleExpression: 'cron(0 0 1 1 ? *)' }),
    ]);
    service.startSchedules();
    expect([...timers][0]?.delayMs).toBeLessThan(2 ** 31);
    tick();
    expect(invoked).toEqual([]);
    tick();
    expect(invoked[0]?.payload['time']).toBe('2027-01-01T00:00:00Z');
  });
});

describe('PutEvents', () => {
  it('publishes good entries and names the fault of each bad one', async () => {
    const { service, invoked, logged } = start([rule('own', { eventPattern: { source: ['ci'] } })]);
    await using server = await startAwsServer(service);
    const client = new EventBridgeClient({ region, endpoint: server.endpoint, credentials });
    const entry = { Source: 'ci', DetailType: 'SandboxTerminated', Detail: '{"id":"sb1"}' };
    const answer = await client.send(
      new PutEventsCommand({
        Entries: [
          { ...entry, Time: new Date('2026-01-01T00:00:00Z'), Resources: ['r'] },
          { ...entry, Detail: 'no json' },
          { ...entry, Source: 'aws.ecs' },
          { Source: 'ci' },
          { ...entry, EventBusName: 'none' },
        ],
      }),
    );
    client.destroy();
    expect(answer.FailedEntryCount).toBe(3);
    expect(answer.Entries?.map(({ ErrorCode, EventId }) => ErrorCode ?? typeof EventId)).toEqual([
      'string',
      'MalformedDetail',
      'NotAuthorizedForSourceException',
      'InvalidArgument',
      'string',
    ]);
    expect(invoked.map(({ payload }) => payload)).toMatchObject([
      { detail: { id: 'sb1' }, time: '2026-01-01T00:00:00Z', resources: ['r'] },
    ]);
    expect(logged).toEqual(['no event bus none: event dropped']);
  });

  it('refuses more than ten entries', async () => {
    const { service } = start([]);
    await using server = await startAwsServer(service);
    const client = new EventBridgeClient({ region, endpoint: server.endpoint, credentials });
    const Entries = Array.from({ length: 11 }, () => ({
      Source: 'a',
      DetailType: 'b',
      Detail: '{}',
    }));
    await expect(client.send(new PutEventsCommand({ Entries }))).rejects.toMatchObject({
      name: 'ValidationException',
    });
    client.destroy();
  });
});

describe('deliveries that are late and doubled', () => {
  it('come in another order than the events, and not after the end', async () => {
    const deliveries = [[300, 100], [50], [10]];
    const world = start([rule('late', { eventPattern: { source: ['aws.ecs'] } })], undefined, {
      deliveriesMs: () => deliveries.shift() ?? [],
    });
    for (const n of [1, 2, 3]) world.service.publish({ ...published, detail: { n } });
    expect(world.invoked).toEqual([]);
    for (let n = 0; n < 3; n++) world.tick();
    const seen = () => world.invoked.map(({ payload }) => (payload['detail'] as { n: number }).n);
    expect(seen()).toEqual([3, 2, 1]);
    await world.service.close();
    expect(world.timers.size).toBe(0);
    expect(seen()).toEqual([3, 2, 1]);
  });
});
