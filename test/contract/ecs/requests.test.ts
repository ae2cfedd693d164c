import {
  DescribeTasksCommand,
  ListTasksCommand,
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

  it('page through many tasks', async () => {
    await using ecs = await startEcs();
    await ecs.run({ count: 5 });
    const seen: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = await ecs.client.send(
        new ListTasksCommand({ cluster: 'main', maxResults: 2, nextToken }),
      );
      seen.push(...(page.taskArns ?? []));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    expect(new Set(seen).size).toBe(5);
  });
});
