/** The state machine of lives: one execution for each sandbox. Its input and history hold no secret. */
import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
import { arnOf, lifecycleName, type World } from '../functions/world.ts';
import { destroyedLogGroup } from '../log-group.ts';
import { lifecycleDefinition } from './definition.ts';

/** What Step Functions needs to write its log, and X-Ray its traces: neither takes a resource. */
const LOG_DELIVERY = [
  'logs:CreateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:DescribeLogGroups',
  'logs:DescribeResourcePolicies',
  'logs:GetLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:UpdateLogDelivery',
];
const TRACING = [
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
];

export class LifecycleMachine extends Construct {
  constructor(scope: Construct, id: string, world: World) {
    super(scope, id);
    const { config } = world;
    const isProd = config.profile === 'prod';
    const functionArn = arnOf(world, 'lifecycle');
    const logGroup = destroyedLogGroup(this, 'Log', {
      // Names that begin so need no resource policy of their own.
      name: `/aws/vendedlogs/states/${lifecycleName(config)}`,
      retention: isProd ? RetentionDays.THREE_MONTHS : RetentionDays.TWO_WEEKS,
    });
    const machine = new sfn.CfnStateMachine(this, 'Machine', {
      stateMachineName: lifecycleName(config),
      stateMachineType: 'STANDARD',
      roleArn: this.#role(functionArn, isProd).roleArn,
      definitionString: Stack.of(this).toJsonString(lifecycleDefinition({ functionArn })),
      loggingConfiguration: {
        level: 'ERROR',
        includeExecutionData: false,
        destinations: [{ cloudWatchLogsLogGroup: { logGroupArn: logGroup.logGroupArn } }],
      },
      tracingConfiguration: { enabled: isProd },
    });
    acknowledge(machine, {
      'AwsSolutions-SF1':
        'Every event of every sandbox would cost more than it tells; errors are logged, and the history is kept for 90 days.',
      ...(isProd
        ? {}
        : { 'AwsSolutions-SF2': 'Traces are kept in the prod profile; each of them costs.' }),
    });
  }

  #role(functionArn: string, traces: boolean): iam.Role {
    const statement = (actions: string[], resource: string): iam.PolicyStatement =>
      new iam.PolicyStatement({ actions, resources: [resource] });
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('states.amazonaws.com'),
      inlinePolicies: {
        steps: new iam.PolicyDocument({
          statements: [
            statement(['lambda:InvokeFunction'], functionArn),
            statement(LOG_DELIVERY, '*'),
            ...(traces ? [statement(TRACING, '*')] : []),
          ],
        }),
      },
    });
    acknowledge(role, {
      'AwsSolutions-IAM5[Resource::*]': 'The delivery of logs and traces takes no resource.',
    });
    return role;
  }
}
