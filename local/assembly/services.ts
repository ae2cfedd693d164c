/**
 * What the assembly needs of the stand-ins to stand resources up: small interfaces that they satisfy by shape.
 * The assembly imports no stand-in; `world.ts` hands them in.
 */
import type { TaskDefinition } from '../services/ecs/types.ts';
import type { Credentials, FunctionDefinition } from '../services/lambda/types.ts';

interface TableService {
  /** Takes a table resource's resolved properties, with its name. */
  createTable(properties: Readonly<Record<string, unknown>>): Promise<unknown>;
}

interface CorsRule {
  readonly AllowedMethods: readonly string[];
  readonly AllowedOrigins: readonly string[];
  readonly AllowedHeaders?: readonly string[] | undefined;
  readonly ExposedHeaders?: readonly string[] | undefined;
  readonly MaxAge?: number | undefined;
}

interface BucketSettings {
  /** Objects and unfinished uploads older than this are deleted. */
  readonly lifecycleDays?: number | undefined;
  readonly corsRules?: readonly CorsRule[] | undefined;
}

interface BucketService {
  createBucket(name: string, settings: BucketSettings): Promise<unknown>;
}

interface FunctionService {
  createFunction(definition: FunctionDefinition): void;
}

interface TaskService {
  createCluster(clusterName: string): void;
  registerTaskDefinition(definition: TaskDefinition): void;
}

interface QueueService {
  create(name: string, arn: string): void;
}

interface StateMachineService {
  /** Answers the ARN; throws for a definition that the stand-in does not run. */
  createStateMachine(machine: {
    readonly name: string;
    readonly roleArn: string;
    readonly definition: string;
  }): string;
}

export interface AwsServices {
  /** The front door, as functions see it. */
  readonly awsEndpoint: string;
  readonly dynamodb: TableService;
  readonly s3: BucketService;
  readonly lambda: FunctionService;
  readonly ecs: TaskService;
  readonly queues: QueueService;
  readonly stepFunctions: StateMachineService;
  /** An access key of its own for each function, so that each call can be laid to its role. */
  issueCredentials(principalName: string): Credentials;
}
