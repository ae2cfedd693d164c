import { StopTaskCommand } from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { startEcs } from './fixture.ts';

describe('a task of ECS', () => {
  it('is answered before it runs, without an address', async () => {
    await using ecs = await startEcs();
    const { tasks, failures } = await ecs.run({
      startedBy: 'pool',
      tags: [{ key: 'k', value: 'v' }],
    });
    expect(failures).toEqual([]);
    expect(tasks?.[0]).toMatchObject({
      taskArn: expect.stringMatching(
        /^arn:aws:ecs:us-east-1:000000000000:task\/main\/[0-9a-f]{32}$/,
      ),
      clusterArn: 'arn:aws:ecs:us-east-1:000000000000:cluster/main',
      taskDefinitionArn: 'arn:aws:ecs:us-east-1:000000000000:task-definition/sandbox:1',
      lastStatus: 'PROVISIONING',
      desiredStatus: 'RUNNING',
      launchType: 'FARGATE',
      startedBy: 'pool',
      cpu: '1024',
      memory: '2048',
      tags: [{ key: 'k', value: 'v' }],
      createdAt: expect.any(Date),
    });
    expect(JSON.stringify(tasks)).not.toContain('privateIPv4Address');
  });

  it('passes through the states of Fargate, with its address known at RUNNING', async () => {
    await using ecs = await startEcs();
    await ecs.run({ startedBy: 'sb1' });
    const running = await ecs.until('RUNNING');
    expect(running).toMatchObject({
      startedBy: 'sb1',
      attachments: [
        {
          type: 'eni',
          status: 'ATTACHED',
          details: expect.arrayContaining([{ name: 'privateIPv4Address', value: '127.64.0.2' }]),
        },
      ],
      containers: [
        {
          name: 'agent',
          lastStatus: 'RUNNING',
          networkInterfaces: [{ privateIpv4Address: '127.64.0.2' }],
        },
      ],
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    ecs.driver.tasks[0]?.exit({ exitCode: 3, outOfMemory: false });
    const stopped = await ecs.until('STOPPED');
    expect(stopped).toMatchObject({
      desiredStatus: 'STOPPED',
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
      containers: [{ exitCode: 3, lastStatus: 'STOPPED' }],
    });
    expect(ecs.details.map(({ lastStatus }) => lastStatus)).toEqual([
      'PROVISIONING',
      'PENDING',
      'RUNNING',
      'DEPROVISIONING',
      'STOPPED',
    ]);
    const versions = ecs.details.map(({ version }) => version);
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(new Set(versions).size).toBe(versions.length);
  });

  it('hands definition and overrides to the driver, overrides last', async () => {
    await using ecs = await startEcs();
    await ecs.run({
      overrides: {
        cpu: '2048',
        memory: '4096',
        ephemeralStorage: { sizeInGiB: 30 },
        containerOverrides: [{ name: 'agent', environment: [{ name: 'B', value: '2' }] }],
      },
    });
    const [task] = await ecs.driver.started(1);
    expect(task?.spec).toMatchObject({
      vcpu: 2,
      memoryMb: 4096,
      diskGb: 30,
      environment: { A: '1', B: '2' },
      imageDirectory: '/image',
      internet: false,
    });
  });

  it('has a network if and only if all its subnets have a default route', async () => {
    await using ecs = await startEcs();
    const network = (...subnets: string[]) => ({
      networkConfiguration: { awsvpcConfiguration: { subnets } },
    });
    await ecs.run(network('subnet-open'));
    await ecs.run(network('subnet-open', 'subnet-closed'));
    const tasks = await ecs.driver.started(2);
    expect(tasks.map(({ spec }) => spec.internet)).toEqual([true, false]);
  });

  it('tells of a container killed for memory', async () => {
    await using ecs = await startEcs();
    await ecs.run();
    await ecs.until('RUNNING');
    ecs.driver.tasks[0]?.exit({ exitCode: 137, outOfMemory: true });
    expect(await ecs.until('STOPPED')).toMatchObject({
      containers: [
        { exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' },
      ],
    });
  });

  it('that cannot start is stopped with the reason', async () => {
    await using ecs = await startEcs();
    ecs.driver.refuse('no such image');
    await ecs.run();
    expect(await ecs.until('STOPPED')).toMatchObject({
      stopCode: 'TaskFailedToStart',
      stoppedReason: 'CannotStartContainerError: no such image',
    });
    expect(ecs.details.some(({ lastStatus }) => lastStatus === 'RUNNING')).toBe(false);
  });
});

describe('StopTask', () => {
  it('ends a task with the reason of the caller and the grace of its definition', async () => {
    await using ecs = await startEcs();
    const { tasks = [] } = await ecs.run();
    await ecs.until('RUNNING');
    const task = tasks[0]?.taskArn;
    const answer = await ecs.client.send(
      new StopTaskCommand({ cluster: 'main', task, reason: 'expired' }),
    );
    expect(answer.task).toMatchObject({ desiredStatus: 'STOPPED', stopCode: 'UserInitiated' });
    expect(await ecs.until('STOPPED')).toMatchObject({
      stopCode: 'UserInitiated',
      stoppedReason: 'expired',
      containers: [{ exitCode: 143 }],
    });
    expect(ecs.driver.tasks[0]?.stops).toEqual([10_000]);
    // Twice is no error and changes nothing.
    const again = await ecs.client.send(
      new StopTaskCommand({ cluster: 'main', task, reason: 'other' }),
    );
    expect(again.task?.stoppedReason).toBe('expired');
  });

  it('ends a task that was still being placed, which then never counts as RUNNING', async () => {
    await using ecs = await startEcs();
    const release = ecs.driver.hold();
    const { tasks = [] } = await ecs.run();
    await ecs.client.send(new StopTaskCommand({ cluster: 'main', task: tasks[0]?.taskArn }));
    release();
    expect(await ecs.until('STOPPED')).toMatchObject({ stopCode: 'UserInitiated' });
    expect(ecs.details.some(({ lastStatus }) => lastStatus === 'RUNNING')).toBe(false);
  });

  it('knows no other task', async () => {
    await using ecs = await startEcs();
    const stop = ecs.client.send(new StopTaskCommand({ cluster: 'main', task: 'f'.repeat(32) }));
    await expect(stop).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: 'The referenced task was not found.',
    });
  });

  it('that takes its time to boot is PENDING meanwhile, without an address', async () => {
    await using ecs = await startEcs({ behaviour: { bootMs: () => 60 } });
    const begun = performance.now();
    await ecs.run({});
    const pending = await ecs.until('PENDING');
    expect(JSON.stringify(pending)).not.toContain('privateIPv4Address');
    await ecs.until('RUNNING');
    expect(performance.now() - begun).toBeGreaterThan(59);
  });

  it('that is stopped while it boots never starts', async () => {
    await using ecs = await startEcs({ behaviour: { bootMs: () => 600_000 } });
    const { tasks } = await ecs.run({});
    await ecs.until('PENDING');
    const task = tasks?.[0]?.taskArn;
    await ecs.client.send(new StopTaskCommand({ cluster: 'main', task, reason: 'not wanted' }));
    expect(await ecs.until('STOPPED')).toMatchObject({
      stopCode: 'UserInitiated',
      stoppedReason: 'not wanted',
    });
    expect(ecs.driver.tasks).toEqual([]);
  });
});
