/** What operations look at: handed to alarms and dashboard whole, used in part. */
import type { Stack } from 'aws-cdk-lib';
import type { FailureQueues } from '../functions/failure-queues.ts';
import type { ServiceFunction } from '../functions/service-function.ts';
import type { World } from '../functions/world.ts';

export interface Watched {
  readonly stack: Stack;
  readonly world: World;
  readonly queues: FailureQueues;
  /** Those whose log or runs are looked at. */
  readonly functions: Readonly<Record<'relay' | 'pool' | 'lifecycle', ServiceFunction>>;
  /** One in each network, by its deployed name. */
  readonly gateways: readonly ServiceFunction[];
  readonly rest: { readonly apiName: string; readonly stage: string };
  readonly socket: { readonly apiId: string; readonly stage: string };
}
