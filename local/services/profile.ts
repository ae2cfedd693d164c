/**
 * The two ways in which the stand-ins behave: `fast` answers as soon as it can, `aws` holds to what AWS does to its
 * callers: delays, throttles, conflicts, events that come late and twice. All chance comes from one seed. What is a
 * limit in any case (sizes, quotas that cost nothing to hold) is in the services themselves, for both.
 */
import type { DynamoDbBehaviour } from './dynamodb/behaviour.ts';
import type { EcsBehaviour } from './ecs/behaviour.ts';
import type { EventBridgeBehaviour } from './event-bridge/behaviour.ts';
import type { LambdaBehaviour } from './lambda/behaviour.ts';
import { Chance } from './shared/chance.ts';

export const AWS_PROFILES = ['fast', 'aws'] as const;
export type AwsProfile = (typeof AWS_PROFILES)[number];

export interface ProfileOptions {
  readonly profile: AwsProfile;
  readonly seed: number;
  /** What a task takes to boot, about. Default 30 s, as on Fargate at its best. */
  readonly taskBootMs?: number | undefined;
}

export interface Behaviour {
  readonly chance: Chance;
  readonly dynamodb: DynamoDbBehaviour;
  readonly ecs: EcsBehaviour;
  readonly events: EventBridgeBehaviour;
  readonly lambda: LambdaBehaviour;
}

export const TASK_BOOT_MS = 30_000;
const MIB = 1024 * 1024;

export function behaviourOf({ profile, seed, taskBootMs }: ProfileOptions): Behaviour {
  const chance = new Chance(seed);
  return profile === 'fast'
    ? { chance, dynamodb: {}, ecs: {}, events: {}, lambda: {} }
    : {
        chance,
        dynamodb: dynamodb(chance),
        ecs: ecs(chance.of('ecs'), taskBootMs ?? TASK_BOOT_MS),
        events: events(chance.of('events')),
        lambda: lambda(chance.of('lambda')),
      };
}

function dynamodb(chance: Chance): DynamoDbBehaviour {
  const transactions = chance.of('transactions');
  const indexes = chance.of('indexes');
  return {
    transactionMs: () => transactions.between(2, 12),
    indexLagMs: () => indexes.between(0, 500),
    partition: { writeUnits: 1000, readUnits: 3000 },
  };
}

const ecs = (chance: Chance, bootMs: number): EcsBehaviour => ({
  runTasksPerSecond: 20,
  bootMs: () => Math.round(bootMs * (0.8 + 0.4 * chance.next())),
});

/** At least once, in any order. */
const events = (chance: Chance): EventBridgeBehaviour => ({
  deliveriesMs: () => {
    const late = () => chance.between(0, chance.happens(0.05) ? 2000 : 300);
    return chance.happens(0.05) ? [late(), late()] : [late()];
  },
});

const lambda = (chance: Chance): LambdaBehaviour => ({
  coldStartMs: () => chance.between(150, 400),
  eventFate: () => ({
    copies: chance.happens(0.03) ? 2 : 1,
    waitMs: chance.between(0, chance.happens(0.02) ? 1000 : 50),
  }),
  stream: { burstBytes: 6 * MIB, bytesPerSecond: 2 * MIB },
});
