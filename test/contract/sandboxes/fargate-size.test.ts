/** From RunTask to the limits of a real sandbox: the task's own CPU and memory, overrides before the definition. */
import { ECSClient, RunTaskCommand, type TaskOverride } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTaskDriver } from '../../../local/sandboxes/create.ts';
import type { TaskDriver } from '../../../local/sandboxes/driver.ts';
import { EcsService } from '../../../local/services/ecs/ecs-service.ts';
import { type AwsServer, credentials, region, startAwsServer } from '../../helpers/aws-server.ts';
import { ask, makePlace, type TestPlace } from './image.ts';
import { hasLimits } from './requirement.ts';

let place: TestPlace;
let driver: TaskDriver;
let server: AwsServer;
let client: ECSClient;
const running = new Map<string, (address: string) => void>();

beforeAll(async () => {
  if (!hasLimits) return;
  place = makePlace();
  driver = await createTaskDriver({ isolation: 'auto', runDirectory: place.runDirectory });
  const service = new EcsService({
    accountId: '000000000000',
    region,
    driver,
    network: { hasDefaultRoute: () => false },
    events: {
      publish({ detail }) {
        const { lastStatus, startedBy, containers } = detail as {
          lastStatus: string;
          startedBy: string;
          containers: { networkInterfaces: { privateIpv4Address: string }[] }[];
        };
        const address = containers[0]?.networkInterfaces[0]?.privateIpv4Address;
        if (lastStatus === 'RUNNING') running.get(startedBy)?.(address ?? '');
      },
    },
  });
  service.createCluster('main');
  const container = {
    name: 'agent',
    image: 'repository:tag',
    imageDirectory: place.imageDirectory,
    essential: true,
    environment: {},
    stopTimeoutSeconds: 1,
  };
  const smallest = { cpu: '256', memory: '512', ephemeralStorageGib: 20, roleArns: [] };
  service.registerTaskDefinition({ family: 'sandbox', ...smallest, containers: [container] });
  server = await startAwsServer(service);
  client = new ECSClient({ region, endpoint: server.endpoint, credentials });
});
afterAll(async () => {
  client?.destroy();
  await server?.close();
  await driver?.close();
  place?.[Symbol.dispose]();
});

/** Runs a task and answers its address. */
async function run(startedBy: string, overrides?: TaskOverride): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  running.set(startedBy, resolve);
  const command = new RunTaskCommand({
    cluster: 'main',
    taskDefinition: 'sandbox',
    startedBy,
    overrides,
    networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-closed'] } },
  });
  await client.send(command);
  return promise;
}

/** Takes 700 MiB, as code that is to be ended before the agent. */
const hog =
  'open("/proc/self/oom_score_adj", "w").write("1000"); x = [bytearray(2**20) for _ in range(700)]; print("held")';
/** The share of a CPU that a busy loop gets. */
const spin = `
import time
start = time.monotonic()
while time.monotonic() - start < 1: pass
print(time.process_time() / (time.monotonic() - start))`;

describe.skipIf(!hasLimits)('a task of RunTask', () => {
  it('has the CPU and the memory of its definition', async () => {
    const address = await run('defined');
    expect(await ask(address, hog)).not.toContain('held');
    expect(Number(await ask(address, spin))).toBeLessThan(0.4);
  });

  it('has the memory of its overrides', async () => {
    const address = await run('overridden', { cpu: '1024', memory: '2048' });
    expect(await ask(address, hog)).toBe('held');
  });
});
