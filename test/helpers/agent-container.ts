/** An agent in a container of Fargate's shape, by runc, which starts it as it would be started there. */
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AGENT_FOLDER, SOCKET_NAME } from '../../local/sandboxes/arguments.ts';
import { readImage } from '../../local/sandboxes/image.ts';
import { takeSlot } from '../../local/sandboxes/slots.ts';
import {
  type AgentProcess,
  type AgentRequest,
  childrenOf,
  NOTHING_AHEAD,
  type ShapeFacts,
} from './agent-process.ts';
import { ociSpec } from './oci-spec.ts';

/** The image's init, which docker and Fargate start it with. */
const INIT = ['/usr/bin/tini', '--'];

export async function startInContainer(
  facts: ShapeFacts & { shape: 'container' },
  { folders, environment }: AgentRequest,
): Promise<AgentProcess> {
  const [own] = folders;
  const image = await readImage(facts.context);
  const forwarder = await takeSlot();
  const place = (name: string): string => join(own, name);
  for (const name of ['box', 'box/agent']) mkdirSync(place(name), { mode: 0o700 });
  const socket = environment['AGENT_SOCKET'] ?? join(AGENT_FOLDER, SOCKET_NAME);
  const ofTask = (facts.container.Environment ?? []).map(({ Name, Value }) => [Name, Value]);
  const id = `code-interpreter-${randomUUID()}`;
  const spec = ociSpec({
    ...facts,
    command: [...INIT, ...image.entrypoint],
    environment: {
      ...image.environment,
      ...(Object.fromEntries(ofTask) as Record<string, string>),
      ...NOTHING_AHEAD,
      ...environment,
      AGENT_SOCKET: socket,
    },
    cgroupsPath: `/${id}`,
    binds: [
      [place('box/agent'), AGENT_FOLDER],
      ...folders.map((folder) => [folder, folder] as const),
    ],
  });
  writeFileSync(place('box/config.json'), JSON.stringify(spec));
  const runc = (...args: string[]): string[] => ['--root', place('box/runc'), ...args];
  const child = spawn('runc', runc('run', '--bundle', place('box'), id), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  forwarder.forwardTo(environment['AGENT_SOCKET'] ?? place(join('box/agent', SOCKET_NAME)));
  const initPid = (): number =>
    (JSON.parse(execFileSync('runc', runc('state', id), { encoding: 'utf8' })) as { pid: number })
      .pid;
  return {
    output: [child.stdout, child.stderr],
    exited,
    baseUrl: `http://${forwarder.address}:49983`,
    pid: () => childrenOf(initPid())[0],
    // runc hands it on.
    terminate: () => void child.kill('SIGTERM'),
    kill: () => void execFileSync('runc', runc('kill', id, 'KILL')),
    [Symbol.asyncDispose]: async () => {
      await exited;
      await forwarder.close();
      execFileSync('runc', runc('delete', '--force', id), { stdio: 'ignore' });
    },
  };
}
