import {
  DescribeTasksCommand,
  ListTasksCommand,
  paginateListTasks,
  type RunTaskCommandInput,
  StopTaskCommand,
} from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { startEcs } from './fixture.ts';

describe('RunTask', () => {
  it('answers the same tasks to the same clientToken, and refuses it for another request', async () => {
    await using ecs = await startEcs();
    const [first, second] = [
      await ecs.run({ clientToken: 't' }),
      await ecs.run({ clientToken: 't' }),
    ];
    expect(second.tasks?.[0]?.taskArn).toBe(first.tasks?.[0]?.taskArn);
    expect(ecs.driver.tasks).toHaveLength(1);
    const other = ecs.run({ clientToken: 't', startedBy: 'other' });
    await expect(other).rejects.toMatchObject({ name: 'ConflictException' });
  });

  it('answers 200 with failures when this machine is full', async () => {
    await using ecs = await startEcs({ maximumTasks: 1 });
    const { tasks, failures } = await ecs.run({ count: 2 });
    expect(tasks).toHaveLength(1);
    expect(failures).toEqual([{ reason: expect.stringMatching(/^Capacity is unavailable/) }]);
  });

  it('throttles above its rate, where it has one, and starts nothing then', async () => {
    let now = 0;
    await using ecs = await startEcs({ behaviour: { runTasksPerSecond: 20 }, now: () => now });
    for (const _ of [1, 2]) await ecs.run({ count: 10 });
    await expect(ecs.run()).rejects.toMatchObject({ name: 'ThrottlingException' });
    now += 100;
    await expect(ecs.run({ count: 3 })).rejects.toMatchObject({ name: 'ThrottlingException' });
    await ecs.run({ count: 2 });
    now += 60_000;
    for (const _ of [1, 2]) await ecs.run({ count: 10 });
    await expect(ecs.run()).rejects.toMatchObject({ name: 'ThrottlingException' });
    expect(await ecs.driver.started(42)).toHaveLength(42);
  });

  it('repeated with its clientToken is not throttled: nothing is started', async () => {
    await using ecs = await startEcs({ behaviour: { runTasksPerSecond: 1 }, now: () => 0 });
    await ecs.run({ clientToken: 't' });
    expect((await ecs.run({ clientToken: 't' })).tasks).toHaveLength(1);
  });

  it.each<[string, Partial<RunTaskCommandInput>, string, RegExp]>([
    ['cluster', { cluster: 'none' }, 'ClusterNotFoundException', /Cluster not found/],
    ['task definition', { taskDefinition: 'none' }, 'ClientException', /TaskDefinition not found/],
    ['revision', { taskDefinition: 'sandbox:2' }, 'ClientException', /TaskDefinition not found/],
    [
      'size',
      { overrides: { cpu: '1024', memory: '1024' } },
      'InvalidParameterException',
      /1024 CPU, 1024 memory/,
    ],
    [
      'disk',
      { overrides: { ephemeralStorage: { sizeInGiB: 20 } } },
      'InvalidParameterException',
      /sizeInGiB/,
    ],
    [
      'container',
      { overrides: { containerOverrides: [{ name: 'x' }] } },
      'InvalidParameterException',
      /named x is not/,
    ],
    [
      'override',
      { overrides: { containerOverrides: [{ name: 'agent', command: ['sh'] }] } },
      'InvalidParameterException',
      /command/,
    ],
    [
      'length',
      {
        overrides: {
          containerOverrides: [
            { name: 'agent', environment: [{ name: 'L', value: 'x'.repeat(8200) }] },
          ],
        },
      },
      'InvalidParameterException',
      /at most 8192/,
    ],
    [
      'subnet',
      { networkConfiguration: { awsvpcConfiguration: { subnets: ['none'] } } },
      'InvalidParameterException',
      /'none' does not exist/,
    ],
    [
      'network',
      { networkConfiguration: undefined },
      'InvalidParameterException',
      /networkConfiguration/,
    ],
    ['launch type', { launchType: 'EC2' }, 'InvalidParameterException', /FARGATE/],
  ])('refuses a %s that cannot be', async (_what, more, name, message) => {
    await using ecs = await startEcs();
    await expect(ecs.run(more)).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message),
    });
    expect(ecs.driver.tasks).toEqual([]);
  });
});

describe('DescribeTasks and ListTasks', () => {
  it('show live tasks, name the missing ones and keep stopped ones apart', async () => {
    await using ecs = await startEcs();
    const one = (await ecs.run({ startedBy: 'a' })).tasks?.[0]?.taskArn ?? '';
    const two = (await ecs.run({ startedBy: 'b' })).tasks?.[0]?.taskArn ?? '';
    await ecs.driver.started(2);
    const list = async (more: object) =>
      (await ecs.client.send(new ListTasksCommand({ cluster: 'main', ...more }))).taskArns;
    expect(await list({})).toEqual([one, two]);
    expect(await list({ startedBy: 'b' })).toEqual([two]);
    await ecs.client.send(new StopTaskCommand({ cluster: 'main', task: one }));
    expect(await list({})).toEqual([two]);
    expect(await list({ desiredStatus: 'STOPPED' })).toEqual([one]);
    const short = two.split('/').at(-1) ?? '';
    const described = await ecs.client.send(
      new DescribeTasksCommand({ cluster: 'main', tasks: [one, short, 'e'.repeat(32)] }),
    );
    expect(described.tasks?.map(({ taskArn }) => taskArn)).toEqual([one, two]);
    expect(described.failures).toMatchObject([{ reason: 'MISSING' }]);
  });

  it('tell what a task was asked for and where it stands', async () => {
    await using ecs = await startEcs();
    const overrides = { cpu: '512', memory: '1024', ephemeralStorage: { sizeInGiB: 25 } };
    const { tasks = [] } = await ecs.run({ startedBy: 'sb1', overrides });
    const show = async () => {
      const command = new DescribeTasksCommand({
        cluster: 'main',
        tasks: tasks.map(({ taskArn }) => taskArn ?? ''),
      });
      return (await ecs.client.send(command)).tasks?.[0];
    };
    await ecs.until('RUNNING');
    expect(await show()).toMatchObject({
      startedBy: 'sb1',
      createdAt: expect.any(Date),
      startedAt: expect.any(Date),
      lastStatus: 'RUNNING',
      desiredStatus: 'RUNNING',
      cpu: '512',
      memory: '1024',
      ephemeralStorage: { sizeInGiB: 25 },
      overrides,
    });
    const [task] = tasks;
    await ecs.client.send(new StopTaskCommand({ cluster: 'main', task: task?.taskArn }));
    await ecs.until('STOPPED');
    expect(await show()).toMatchObject({
      createdAt: task?.createdAt,
      lastStatus: 'STOPPED',
      desiredStatus: 'STOPPED',
      stopCode: 'UserInitiated',
      stoppedAt: expect.any(Date),
    });
  });

  it('page through many tasks', async () => {
    await using ecs = await startEcs();
    await ecs.run({ count: 5 });
    const pages: number[] = [];
    const seen = new Set<string>();
    const paging = { client: ecs.client, pageSize: 2 };
    for await (const { taskArns = [] } of paginateListTasks(paging, { cluster: 'main' })) {
      pages.push(taskArns.length);
      for (const taskArn of taskArns) seen.add(taskArn);
    }
    expect(pages).toEqual([2, 2, 1]);
    expect(seen.size).toBe(5);
  });
});
