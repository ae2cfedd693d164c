/**
 * One Lambda function as all of ours are: a finished bundle, a role with written grants only, a log
 * group with an end, and an environment that satisfies the schema its handler parses.
 */
/* oxlint-disable no-new -- a construct adds itself to its scope */

import { join } from 'node:path';
import type { Duration } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { type LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import * as z from 'zod/mini';
import { acknowledge } from '../acknowledge.ts';
import type { DeployConfig } from '../deploy-config.ts';
import { destroyedLogGroup } from '../log-group.ts';
import { deployedName, type FunctionName } from './names.ts';

export interface ServiceFunctionProps<Schema extends z.core.$ZodType> {
  readonly config: DeployConfig;
  readonly name: FunctionName;
  /** Whose bundle it runs, if not its own. */
  readonly bundle?: FunctionName;
  readonly description: string;
  readonly envSchema: Schema;
  /** Every name of the schema, as text; one that is missing or misspelt fails the types. */
  readonly env: z.input<Schema> & Readonly<Record<string, string>>;
  /** All that the function may do, beside writing its own log. */
  readonly grants: readonly iam.PolicyStatement[];
  readonly timeout: Duration;
  readonly memoryMb?: number;
  /** Held back for this function in the `prod` profile; new accounts have too few to share out. */
  readonly reservedConcurrency?: number;
  readonly network?: {
    readonly vpc: IVpc;
    readonly vpcSubnets: SubnetSelection;
    readonly securityGroups: ISecurityGroup[];
  };
}

const DEFAULT_MEMORY_MB = 512;

export class ServiceFunction<Schema extends z.core.$ZodType = z.core.$ZodType> extends Construct {
  readonly function: lambda.Function;
  readonly role: iam.Role;
  readonly name: FunctionName;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps<Schema>) {
    super(scope, id);
    const { config, name } = props;
    this.name = name;
    const isProd = config.profile === 'prod';
    checkEnvironment(name, props.envSchema, props.env);
    this.logGroup = destroyedLogGroup(this, 'Log', {
      name: `/${config.stackName}/${name}`,
      retention: isProd ? RetentionDays.THREE_MONTHS : RetentionDays.TWO_WEEKS,
    });
    this.role = this.#role(props, this.logGroup);
    this.function = new lambda.Function(this, 'Function', {
      functionName: deployedName(config.stackName, name),
      description: props.description,
      code: lambda.Code.fromAsset(join(config.dist, 'functions', props.bundle ?? name)),
      handler: 'index.handler',
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture:
        config.architecture === 'arm64' ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64,
      memorySize: props.memoryMb ?? DEFAULT_MEMORY_MB,
      timeout: props.timeout,
      // Stack traces name our files, not the bundle's one long line.
      environment: { ...props.env, NODE_OPTIONS: '--enable-source-maps' },
      // What is not written above is not granted: the role takes no statement from elsewhere.
      role: this.role.withoutPolicyUpdates(),
      logGroup: this.logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
      tracing: isProd ? lambda.Tracing.ACTIVE : lambda.Tracing.DISABLED,
      ...(isProd && props.reservedConcurrency !== undefined
        ? { reservedConcurrentExecutions: props.reservedConcurrency }
        : {}),
      ...props.network,
    });
  }

  /** For events, which Lambda would else repeat for six hours: what is given up goes to a queue. */
  limitAsync(options: { retries: 0 | 1 | 2; maxAge: Duration; failuresArn: string }): void {
    new lambda.CfnEventInvokeConfig(this, 'Async', {
      functionName: this.function.functionName,
      qualifier: '$LATEST',
      maximumRetryAttempts: options.retries,
      maximumEventAgeInSeconds: options.maxAge.toSeconds(),
      destinationConfig: { onFailure: { destination: options.failuresArn } },
    });
  }

  #role({ grants, config }: ServiceFunctionProps<Schema>, logGroup: LogGroup): iam.Role {
    const statements = [
      new iam.PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
      ...grants,
    ];
    if (config.profile === 'prod') statements.push(tracing());
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { grants: new iam.PolicyDocument({ statements }) },
    });
    if (config.profile === 'prod')
      acknowledge(role, { 'AwsSolutions-IAM5[Resource::*]': 'X-Ray takes no resource.' });
    return role;
  }
}

function tracing(): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions: ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'],
    resources: ['*'],
  });
}

/** The types hold the names; this holds the values that are known at synthesis. */
function checkEnvironment(name: string, schema: z.core.$ZodType, env: unknown): void {
  const parsed = z.safeParse(schema, env);
  if (parsed.success) return;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`environment of ${name}: ${problems.join('; ')}`);
}
