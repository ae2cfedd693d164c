/** Every scenario, and those that a stack with ordinary leases runs in a few seconds. */
import type { Scenario } from '../scenario.ts';
import { accountScenarios } from './accounts.ts';
import { executionScenarios } from './executions.ts';
import { fileScenarios } from './files.ts';
import { givenUpScenarios } from './given-up.ts';
import { lifeScenarios } from './lives.ts';
import { openScenarios } from './open.ts';
import { processScenarios } from './processes.ts';
import { relayScenarios } from './relays.ts';
import { repairScenarios } from './repairs.ts';
import { runScenarios } from './runs.ts';
import { socketScenarios } from './sockets.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...accountScenarios,
  ...executionScenarios,
  ...processScenarios,
  ...fileScenarios,
  ...socketScenarios,
  ...givenUpScenarios,
  ...lifeScenarios,
  ...repairScenarios,
  ...runScenarios,
  ...relayScenarios,
  ...openScenarios,
];

export const QUICK: readonly Scenario[] = [...accountScenarios, ...fileScenarios];
