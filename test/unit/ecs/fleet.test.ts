/** RunTask as it answers: 200 with failures, a throttle, a full account. Each answer is one of AWS's. */
import type { ECSClient, RunTaskCommand } from '@aws-sdk/client-ecs';
import { expect, test } from 'vitest';
import { ecsFleet } from '../../../adapters/ecs/fleet.ts';
import { LaunchId } from '../../../contract/ids.ts';
import { NoCapacity } from '../../../core/ports.ts';
import { DEFAULT_SIZE } from '../../../core/sandbox/sizes.ts';

const LAUNCH = LaunchId.parse(`ln${'a'.repeat(20)}`);
const ARN = 'arn:aws:ecs:us-east-1:000000000000:task/cluster/0123';
const SPEC = { ...DEFAULT_SIZE, network: 'none' } as const;

function fleetThat(answer: () => object) {
  const sent: RunTaskCommand['input'][] = [];
  const client = {
    send: async ({ input }: RunTaskCommand) => {
      sent.push(input);
      return answer();
    },
  };
  const placement = { subnets: ['subnet-1'], securityGroups: ['sg-1'] };
  const fleet = ecsFleet(client as unknown as ECSClient, 'cluster', {
    taskDefinition: 'sandbox:1',
    placements: { none: placement },
  });
  return { fleet, sent };
}

const throwing = (name: string) => () => {
  throw Object.assign(new Error(`${name}: as AWS says it`), { name });
};

test('a launch sends its id as client token and its size as overrides, and no more than limits to the container', async () => {
  const { fleet, sent } = fleetThat(() => ({ tasks: [{ taskArn: ARN }], failures: [] }));
  expect(await fleet.launch(LAUNCH, SPEC)).toEqual({ taskArn: ARN });
  expect(sent).toEqual([
    expect.objectContaining({
      clientToken: LAUNCH,
      startedBy: LAUNCH,
      count: 1,
      overrides: {
        cpu: '1024',
        memory: '2048',
        containerOverrides: [
          { name: 'agent', environment: [{ name: 'AGENT_MEMORY_BYTES', value: '2147483648' }] },
        ],
      },
    }),
  ]);
});

test('a disk of 20 GB is what a task has; a larger one is asked for', async () => {
  const { fleet, sent } = fleetThat(() => ({ tasks: [{ taskArn: ARN }], failures: [] }));
  await fleet.launch(LAUNCH, { ...SPEC, diskGb: 20 });
  await fleet.launch(LAUNCH, { ...SPEC, diskGb: 21 });
  expect(sent.map(({ overrides }) => overrides?.ephemeralStorage)).toEqual([
    undefined,
    { sizeInGiB: 21 },
  ]);
});

test.each([
  [{ tasks: [], failures: [{ reason: 'RESOURCE:CPU' }] }, /RESOURCE:CPU/],
  [{ tasks: [], failures: [{ reason: 'Capacity is unavailable at this time.' }] }, /unavailable/],
  [{ tasks: [], failures: [] }, /no task and no reason/],
])('an answer of 200 without a task is no capacity: %j', async (answer, reason) => {
  const launch = fleetThat(() => answer).fleet.launch(LAUNCH, SPEC);
  await expect(launch).rejects.toThrow(NoCapacity);
  await expect(launch).rejects.toThrow(reason);
});

test.each(['ThrottlingException', 'LimitExceededException'])(
  '%s is no capacity at the moment',
  async (name) => {
    await expect(fleetThat(throwing(name)).fleet.launch(LAUNCH, SPEC)).rejects.toThrow(NoCapacity);
  },
);

test('a refusal that no later try mends is not taken for a lack of capacity', async () => {
  const launch = fleetThat(throwing('AccessDeniedException')).fleet.launch(LAUNCH, SPEC);
  await expect(launch).rejects.not.toThrow(NoCapacity);
});
