/** A fleet of tasks that exist as names only, and the agents in them: each can be told to fail. */
import type { LaunchId } from '../../contract/ids.ts';
import {
  type AgentCall,
  type AgentGateway,
  AgentUnreachable,
  type LaunchSpec,
  type RunningTask,
  type SandboxFleet,
} from '../../core/ports.ts';
import { taskArnOf } from './records.ts';

export interface FakeFleet extends SandboxFleet {
  readonly launched: { launchId: LaunchId; spec: LaunchSpec }[];
  readonly stopped: string[];
  /** What the fleet tells of: launched and not stopped. */
  readonly running: Map<string, RunningTask>;
  /** Errors that the next launches end with. */
  readonly refusals: Error[];
  /** Runs while a launch is under way. */
  duringLaunch: (launchId: LaunchId) => Promise<void>;
}

export function fakeFleet(nowMs: () => number): FakeFleet {
  const running = new Map<string, RunningTask>();
  return {
    launched: [],
    stopped: [],
    running,
    refusals: [],
    duringLaunch: async () => {},
    async launch(launchId, spec) {
      const refusal = this.refusals.shift();
      if (refusal) throw refusal;
      await this.duringLaunch(launchId);
      const taskArn = taskArnOf(launchId);
      if (!running.has(taskArn)) {
        this.launched.push({ launchId, spec });
        running.set(taskArn, { taskArn, launchId, createdMs: nowMs() });
      }
      return { taskArn };
    },
    async stop(taskArn) {
      this.stopped.push(taskArn);
      running.delete(taskArn);
    },
    async list() {
      return [...running.values()];
    },
    async check() {},
  };
}

export interface FakeAgents extends AgentGateway {
  /** `METHOD /path` of every call that was answered, by host. */
  readonly calls: { host: string; line: string; body: unknown }[];
  /** `METHOD /path host` that are not answered. */
  readonly dead: Set<string>;
  /** Runs before a call is answered. */
  before: (host: string, line: string) => Promise<void>;
}

/** A task's address is its launch id here, so that each agent is told from another. */
export function fakeAgents(): FakeAgents {
  return {
    calls: [],
    dead: new Set(),
    before: async () => {},
    async call({ host }, { method, path, body }) {
      const line = `${method} ${path}`;
      await this.before(host, line);
      if (this.dead.has(`${line} ${host}`)) throw new AgentUnreachable('refused');
      this.calls.push({ host, line, body });
      return { status: 200, body: JSON.stringify(answerOf(host, { method, path, body })) };
    },
    async stream() {
      throw new AgentUnreachable('no streams here');
    },
  };
}

function answerOf(host: string, { path, body }: AgentCall): object {
  switch (path) {
    case '/health':
      return { status: 'ok', protocol: 1, taskId: host, initialized: false };
    case '/init':
      return { sandboxId: (body as { sandboxId: string }).sandboxId, protocol: 1 };
    case '/drain':
      return { killed: [], unread: [] };
    case '/logs':
      return { lines: [{ level: 'info', text: 'hello' }] };
    default:
      return {};
  }
}
