/**
 * Takes one task from PROVISIONING to STOPPED through the driver and publishes each change as an event:
 *
 *   PROVISIONING → PENDING → RUNNING ─ exit or StopTask ─→ DEPROVISIONING → STOPPED
 *                     └ the driver fails ────────────────────────┘
 *
 * The driver alone knows how a task is isolated; this file alone knows in which order ECS tells of it.
 */
import type { RunningTask, TaskDriver, TaskExit, TaskSpec } from '../../sandboxes/driver.ts';
import type { EcsBehaviour } from './behaviour.ts';
import type { StopCode, Task } from './task.ts';
import type { EventSink, NetworkModel } from './types.ts';

export interface TaskLifeOptions {
  readonly driver: TaskDriver;
  readonly events: EventSink;
  readonly network: NetworkModel;
  /** By default tasks start as fast as this machine can. */
  readonly behaviour?: EcsBehaviour | undefined;
}

function specOf(task: Task, network: NetworkModel): TaskSpec {
  // Fargate tasks of this machine have one container, which is the task.
  const [container] = task.definition.containers;
  const given = task.overrides.containerOverrides.find(({ name }) => name === container?.name);
  const overridden = (given?.environment ?? []).map(({ name, value }) => [name, value] as const);
  const { subnets } = task.request.networkConfiguration.awsvpcConfiguration;
  return {
    id: task.id,
    taskArn: task.arn,
    vcpu: Number(task.cpu) / 1024,
    memoryMb: Number(task.memory),
    diskGb: task.diskGib,
    environment: { ...container?.environment, ...Object.fromEntries(overridden) },
    internet: subnets.every((subnet) => network.hasDefaultRoute(subnet)),
    imageDirectory: container?.imageDirectory ?? '',
  };
}

export class TaskLife {
  readonly task: Task;
  /** Settles when the task is STOPPED. */
  readonly ended: Promise<void>;
  readonly #options: TaskLifeOptions;
  readonly #stopAsked = Promise.withResolvers<void>();

  constructor(task: Task, options: TaskLifeOptions) {
    this.task = task;
    this.#options = options;
    this.ended = this.#live();
  }

  /** Idempotent; the first reason counts. */
  stop(stopCode: StopCode, stoppedReason: string): void {
    if (this.task.state.desiredStatus === 'STOPPED') return;
    this.#publish({ desiredStatus: 'STOPPED', stopCode, stoppedReason, stoppingAt: new Date() });
    this.#stopAsked.resolve();
  }

  async #live(): Promise<void> {
    const { driver, network } = this.#options;
    // The answer of RunTask says PROVISIONING; everything else happens after it.
    await Promise.resolve();
    this.#publish({});
    this.#publish({ lastStatus: 'PENDING' });
    if (!(await this.#booted())) {
      this.#end('UserInitiated', 'Task stopped before it ran');
      return;
    }
    let running: RunningTask;
    try {
      running = await driver.start(specOf(this.task, network));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#end('TaskFailedToStart', `CannotStartContainerError: ${reason}`);
      return;
    }
    // Stopped while it was being placed: it never counts as RUNNING.
    if (this.task.state.desiredStatus === 'RUNNING')
      this.#publish({ lastStatus: 'RUNNING', address: running.address, startedAt: new Date() });
    const exit = await this.#untilExit(running);
    this.#end('EssentialContainerExited', 'Essential container in task exited', exit);
  }

  /** False when it was stopped meanwhile: then nothing was started. */
  async #booted(): Promise<boolean> {
    const bootMs = this.#options.behaviour?.bootMs?.() ?? 0;
    if (bootMs === 0) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(true), bootMs);
    const stopped = this.#stopAsked.promise.then(() => false);
    try {
      return await Promise.race([promise, stopped]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #untilExit(running: RunningTask): Promise<TaskExit> {
    const stopped = this.#stopAsked.promise.then(async () => {
      const [container] = this.task.definition.containers;
      await running.stop((container?.stopTimeoutSeconds ?? 30) * 1000);
      return running.exited;
    });
    // A driver that loses sight of a task leaves its exit code unknown; the task is over all the same.
    return Promise.race([running.exited, stopped]).catch(() => ({
      exitCode: null,
      outOfMemory: false,
    }));
  }

  /** A stop that was asked for before keeps its code and reason. */
  #end(stopCode: StopCode, stoppedReason: string, exit?: TaskExit): void {
    const { state } = this.task;
    const now = new Date();
    this.#publish({
      lastStatus: 'DEPROVISIONING',
      desiredStatus: 'STOPPED',
      stopCode: state.stopCode ?? stopCode,
      stoppedReason: state.stoppedReason ?? stoppedReason,
      stoppingAt: state.stoppingAt ?? now,
      ...(exit === undefined ? {} : { exit }),
    });
    this.#publish({ lastStatus: 'STOPPED', stoppedAt: now });
  }

  #publish(changes: Parameters<Task['advance']>[0]): void {
    const { task } = this;
    if (Object.keys(changes).length > 0) task.advance(changes);
    this.#options.events.publish({
      source: 'aws.ecs',
      detailType: 'ECS Task State Change',
      resources: [task.arn],
      detail: task.eventDetail(),
    });
  }
}
