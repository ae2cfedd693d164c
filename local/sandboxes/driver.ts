/**
 * The port between the ECS stand-in and whatever isolates a task on this machine.
 * A task's private IP is a loopback address of 127.64.0.0/10; its port forwards to the agent inside.
 */
export interface TaskSpec {
  /** ECS task id, 32 hex characters; also names cgroup and run folder. */
  readonly id: string;
  /** Full ARN; handed to the task in ECS's metadata file. */
  readonly taskArn: string;
  readonly vcpu: number;
  readonly memoryMb: number;
  readonly diskGb: number;
  /** Environment of the container: image first, then task definition, then overrides. */
  readonly environment: Readonly<Record<string, string>>;
  /** True if and only if the task's subnets have a default route. */
  readonly internet: boolean;
  /** The docker context of the image asset (holds image.json). */
  readonly imageDirectory: string;
}

export interface TaskExit {
  /** 128 + n for a signal, as a container runtime reports it; null when it is unknown. */
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
}

export interface RunningTask {
  /** The task's loopback address, such as 127.64.3.7. */
  readonly address: string;
  /** Settles once, when every process of the task is gone. */
  readonly exited: Promise<TaskExit>;
  /** SIGTERM, after `graceMs` SIGKILL to everything. Resolves when all is gone. */
  stop(graceMs: number): Promise<void>;
}

export interface TaskDriver {
  readonly name: string;
  start(spec: TaskSpec): Promise<RunningTask>;
  /** Ends every task and removes what it left on the host. */
  close(): Promise<void>;
}
