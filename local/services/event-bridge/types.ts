/** The EventBridge stand-in as its neighbours see it. Types only. */

interface RuleTarget {
  readonly id: string;
  readonly functionArn: string;
  /** Constant input in place of the event: JSON text. */
  readonly input: string | undefined;
  /** Queue of what the target could not be given. */
  readonly deadLetterArn?: string | undefined;
}

export interface RuleDefinition {
  readonly name: string;
  readonly arn: string;
  readonly busName: string;
  readonly enabled: boolean;
  readonly eventPattern: Readonly<Record<string, unknown>> | undefined;
  /** `rate(1 minute)` or `cron(0 3 * * ? *)`. */
  readonly scheduleExpression: string | undefined;
  readonly targets: readonly RuleTarget[];
}

/** The envelope that targets receive. */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** Whole seconds, UTC. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}
