/**
 * The ECS stand-in as its neighbours see it: what the assembly registers with it and what it needs of the world.
 * Types only.
 */

interface ContainerDefinition {
  readonly name: string;
  /** The image URI of the template, as DescribeTasks shows it. */
  readonly image: string;
  /** The docker context of the image asset. */
  readonly imageDirectory: string;
  readonly essential: boolean;
  readonly environment: Readonly<Record<string, string>>;
  /** Seconds between SIGTERM and SIGKILL. */
  readonly stopTimeoutSeconds: number;
}

/** `AWS::ECS::TaskDefinition`, always revision 1: the assembly is deployed anew at each start. */
export interface TaskDefinition {
  readonly family: string;
  /** CPU units, as text: 1024 is one vCPU. */
  readonly cpu: string;
  /** MiB, as text. */
  readonly memory: string;
  readonly ephemeralStorageGib: number;
  readonly containers: readonly ContainerDefinition[];
  /** Whoever runs it must be allowed to pass these. */
  readonly roleArns: readonly string[];
}

/** Where the stand-in publishes what happens to a task. */
export interface EventSink {
  publish(event: {
    readonly source: string;
    readonly detailType: string;
    readonly resources: readonly string[];
    readonly detail: Readonly<Record<string, unknown>>;
  }): void;
}

/** Which subnets have a way out; fed by the template's route tables. */
export interface NetworkModel {
  /** Throws for a subnet that was not deployed. */
  hasDefaultRoute(subnetId: string): boolean;
}
