/**
 * A fleet in virtual time: tasks boot, run, die and are stopped; what becomes of them is told late,
 * twice, out of order or not at all. In each task is an agent that takes one sandbox, ends itself at
 * its deadline, and may be slow, deaf or gone.
 */

import type { LaunchId } from '../../contract/ids.ts';
import { AGENT_DEADLINE_GRACE_MS } from '../../contract/limits.ts';
import {
  type AgentAnswer,
  type AgentCall,
  type AgentGateway,
  AgentUnreachable,
  NoCapacity,
  type SandboxFleet,
} from '../../core/ports.ts';
import { taskArnOf } from './records.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Chance, from one seed: the same run again. */
export type Dice = ReturnType<typeof diceOf>;
export function diceOf(seed: number) {
  let state = seed >>> 0;
  /** From 0 up to 1 (mulberry32). */
  const roll = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    roll,
    below: (limit: number) => Math.floor(roll() * limit),
    between: (from: number, to: number) => from + Math.floor(roll() * (to - from)),
    chance: (share: number) => roll() < share,
  };
}

/** How likely what goes wrong is, each from 0 to 1. */
export interface Faults {
  readonly noCapacity: number;
  /** A task boots too late, or its agent never answers. */
  readonly badTask: number;
  readonly lostEvent: number;
  readonly doubledEvent: number;
  readonly lateEvent: number;
  /** An agent's answer that is lost: it has done what was asked. */
  readonly lostAnswer: number;
}

export interface ModelTask {
  readonly taskArn: string;
  readonly launchId: LaunchId;
  readonly createdMs: number;
  status: 'booting' | 'running' | 'stopped';
  /** When somebody first asked to stop it. */
  stopAskedMs?: number;
  listens: boolean;
  init?: string;
  deadlineMs?: number;
  running: number;
}

export interface TaskEvent {
  readonly what: 'RUNNING' | 'STOPPED';
  readonly task: ModelTask;
  readonly stopCode: 'EssentialContainerExited' | 'TerminationNotice';
}

export interface ModelFleetOptions {
  readonly clock: VirtualClock;
  readonly dice: Dice;
  readonly faults: Faults;
  readonly onEvent: (event: TaskEvent) => void;
}

export class ModelFleet {
  readonly tasks = new Map<string, ModelTask>();
  readonly #options: ModelFleetOptions;

  constructor(options: ModelFleetOptions) {
    this.#options = options;
  }

  readonly fleet: SandboxFleet = {
    launch: async (launchId) => {
      const { clock, dice, faults } = this.#options;
      const taskArn = taskArnOf(launchId);
      if (this.tasks.has(taskArn)) return { taskArn };
      if (dice.chance(faults.noCapacity)) throw new NoCapacity('RunTask: RESOURCE:CPU');
      const task: ModelTask = {
        taskArn,
        launchId,
        createdMs: clock.nowMs(),
        status: 'booting',
        listens: false,
        running: 0,
      };
      this.tasks.set(taskArn, task);
      void this.#boot(task);
      return { taskArn };
    },
    stop: async (taskArn) => {
      const task = this.tasks.get(taskArn);
      if (!task || task.status === 'stopped' || task.stopAskedMs !== undefined) return;
      task.stopAskedMs = this.#options.clock.nowMs();
      void this.#options.clock
        .sleep(this.#options.dice.between(100, 3_000))
        .then(() => this.#end(task, 'EssentialContainerExited'));
    },
    list: async () =>
      [...this.tasks.values()]
        .filter(({ status }) => status !== 'stopped')
        .map(({ taskArn, launchId, createdMs }) => ({ taskArn, launchId, createdMs })),
    check: async () => {},
  };

  readonly gateway: AgentGateway = {
    call: async ({ host }, call) => {
      const task = this.tasks.get(taskArnOf(host));
      const answer = task && (await this.#answer(task, call));
      const { dice, faults } = this.#options;
      if (!answer || dice.chance(faults.lostAnswer)) throw new AgentUnreachable('no answer');
      return answer;
    },
    stream: async () => {
      throw new AgentUnreachable('no streams here');
    },
  };

  /** A task that dies by itself, or with its host. */
  die(taskArn: string, stopCode: TaskEvent['stopCode']): void {
    const task = this.tasks.get(taskArn);
    if (task) this.#end(task, stopCode);
  }

  async #boot(task: ModelTask): Promise<void> {
    const { clock, dice, faults } = this.#options;
    const isBad = dice.chance(faults.badTask);
    await clock.sleep(isBad && dice.chance(0.5) ? 170_000 : dice.between(2_000, 45_000));
    if (task.status !== 'booting' || task.stopAskedMs !== undefined) return;
    task.status = 'running';
    this.#tell({ what: 'RUNNING', task, stopCode: 'EssentialContainerExited' });
    await clock.sleep(dice.below(2_000));
    task.listens = !isBad;
  }

  #end(task: ModelTask, stopCode: TaskEvent['stopCode']): void {
    if (task.status === 'stopped') return;
    task.status = 'stopped';
    this.#tell({ what: 'STOPPED', task, stopCode });
  }

  #tell(event: TaskEvent): void {
    const { clock, dice, faults, onEvent } = this.#options;
    if (dice.chance(faults.lostEvent)) return;
    const copies = dice.chance(faults.doubledEvent) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const lateMs = dice.chance(faults.lateEvent) ? dice.below(90_000) : dice.below(500);
      void clock.sleep(lateMs).then(() => onEvent(event));
    }
  }

  async #answer(task: ModelTask, { path, body }: AgentCall): Promise<AgentAnswer | undefined> {
    const { clock, dice } = this.#options;
    await clock.sleep(dice.between(1, 20));
    if (task.status !== 'running' || !task.listens) return undefined;
    switch (path) {
      case '/health':
        return ok({ status: 'ok', protocol: 1, taskId: task.launchId, initialized: !!task.init });
      case '/init':
        return this.#init(task, body as InitBody);
      case '/deadline':
        this.#setDeadline(task, Date.parse((body as { expiresAt: string }).expiresAt));
        return ok({});
      case '/executions':
        task.running += 1;
        return ok({ ...(body as object), status: 'running' });
      case '/drain':
        await clock.sleep(task.running > 0 ? dice.between(50, 5_000) : 0);
        return ok({ killed: [], unread: [] });
      default:
        return ok({ lines: [] });
    }
  }

  #init(task: ModelTask, body: InitBody): AgentAnswer {
    const init = JSON.stringify(body);
    if (task.init !== undefined && task.init !== init)
      return { status: 409, body: '{"code":"INVALID_SANDBOX_STATE","message":"another init"}' };
    if (task.init === undefined) this.#setDeadline(task, Date.parse(body.expiresAt));
    task.init = init;
    return ok({ sandboxId: body.sandboxId, protocol: 1 });
  }

  /** The latest that was told counts. */
  #setDeadline(task: ModelTask, expiresMs: number): void {
    const { clock } = this.#options;
    const deadlineMs = Math.max(task.deadlineMs ?? 0, expiresMs + AGENT_DEADLINE_GRACE_MS);
    if (deadlineMs === task.deadlineMs) return;
    task.deadlineMs = deadlineMs;
    void clock.sleep(deadlineMs - clock.nowMs()).then(() => {
      if (task.deadlineMs === deadlineMs) this.#end(task, 'EssentialContainerExited');
    });
  }
}

interface InitBody {
  readonly sandboxId: string;
  readonly expiresAt: string;
}

const ok = (json: object): AgentAnswer => ({ status: 200, body: JSON.stringify(json) });
