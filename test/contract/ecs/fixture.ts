/** The ECS stand-in over a fake driver, called by the real SDK; its events are kept and can be waited for. */
import { ECSClient, RunTaskCommand, type RunTaskCommandInput } from '@aws-sdk/client-ecs';
import { expect } from 'vitest';
import { EcsService, type EcsServiceOptions } from '../../../local/services/ecs/ecs-service.ts';
import { credentials, region, startAwsServer } from '../../helpers/aws-server.ts';
import { FakeTaskDriver } from '../../helpers/fake-task-driver.ts';

type Detail = Record<string, unknown> & { lastStatus: string; version: number };

export async function startEcs(
  options: Partial<Pick<EcsServiceOptions, 'maximumTasks' | 'behaviour' | 'now' | 'events'>> = {},
) {
  const driver = new FakeTaskDriver();
  const details: Detail[] = [];
  const waiting: { test: (detail: Detail) => boolean; resolve: (detail: Detail) => void }[] = [];
  const service = new EcsService({
    accountId: '000000000000',
    region,
    driver,
    network: {
      hasDefaultRoute(subnet) {
        if (!subnet.startsWith('subnet-')) throw new Error('unknown');
        return subnet === 'subnet-open';
      },
    },
    events: {
      publish({ source, detailType, resources, detail }) {
        expect([source, detailType]).toEqual(['aws.ecs', 'ECS Task State Change']);
        expect(resources).toEqual([detail['taskArn']]);
        details.push(detail as Detail);
        for (const { test, resolve } of waiting)
          if (test(detail as Detail)) resolve(detail as Detail);
      },
    },
    ...options,
  });
  service.createCluster('main');
  service.registerTaskDefinition({
    family: 'sandbox',
    cpu: '1024',
    memory: '2048',
    ephemeralStorageGib: 20,
    roleArns: [],
    containers: [
      {
        name: 'agent',
        image: 'repository:tag',
        imageDirectory: '/image',
        essential: true,
        environment: { A: '1', B: '1' },
        stopTimeoutSeconds: 10,
      },
    ],
  });
  const server = await startAwsServer(service);
  const client = new ECSClient({ region, endpoint: server.endpoint, credentials, maxAttempts: 1 });
  const until = (lastStatus: string, more: (detail: Detail) => boolean = () => true) => {
    const test = (detail: Detail) => detail.lastStatus === lastStatus && more(detail);
    const found = details.find(test);
    if (found !== undefined) return Promise.resolve(found);
    const { promise, resolve } = Promise.withResolvers<Detail>();
    waiting.push({ test, resolve });
    return promise;
  };
  return {
    driver,
    details,
    until,
    service,
    client,
    run: (more: Partial<RunTaskCommandInput> = {}) =>
      client.send(
        new RunTaskCommand({
          cluster: 'main',
          taskDefinition: 'sandbox',
          launchType: 'FARGATE',
          networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-closed'] } },
          ...more,
        }),
      ),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server.close();
    },
  };
}
