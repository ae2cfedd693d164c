/**
 * Where events end that were given up: a queue for each function that is invoked asynchronously, so
 * that an alarm says whose it was, and one for events that a rule could not deliver.
 */
import { Duration } from 'aws-cdk-lib';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';

export const ASYNC_FUNCTIONS = ['relay', 'pool', 'task-events', 'transfer'] as const;
export type AsyncFunction = (typeof ASYNC_FUNCTIONS)[number];

const CONSTRUCT_OF = {
  relay: 'Relay',
  pool: 'Pool',
  'task-events': 'TaskEvents',
  transfer: 'Transfer',
} as const satisfies Record<AsyncFunction, string>;

export class FailureQueues extends Construct {
  readonly ofFunction: Readonly<Record<AsyncFunction, sqs.Queue>>;
  readonly ofRules: sqs.Queue;
  /** Of the queues, for the grants of the functions. */
  readonly arns: Readonly<Record<AsyncFunction, string>>;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const queueOf = (name: AsyncFunction) => this.#queue(CONSTRUCT_OF[name]);
    this.ofFunction = {
      relay: queueOf('relay'),
      pool: queueOf('pool'),
      'task-events': queueOf('task-events'),
      transfer: queueOf('transfer'),
    };
    this.arns = {
      relay: this.ofFunction.relay.queueArn,
      pool: this.ofFunction.pool.queueArn,
      'task-events': this.ofFunction['task-events'].queueArn,
      transfer: this.ofFunction.transfer.queueArn,
    };
    this.ofRules = this.#queue('Rules');
  }

  #queue(id: string): sqs.Queue {
    const queue = new sqs.Queue(this, id, {
      enforceSSL: true,
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(queue, { 'AwsSolutions-SQS3': 'This is the dead-letter queue itself.' });
    return queue;
  }
}
