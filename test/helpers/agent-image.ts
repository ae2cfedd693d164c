/** An agent in the root of the built image, with the command line that a local sandbox has. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import {
  AGENT_FOLDER,
  bwrapArguments,
  CopiedFiles,
  SOCKET_NAME,
} from '../../local/sandboxes/arguments.ts';
import { BwrapProcess } from '../../local/sandboxes/bwrap-process.ts';
import { makeHostEtc } from '../../local/sandboxes/host-etc.ts';
import { rootIdentities } from '../../local/sandboxes/identity.ts';
import { readImage } from '../../local/sandboxes/image.ts';
import { inheritedFds } from '../../local/sandboxes/inherited-fds.ts';
import { takeSlot } from '../../local/sandboxes/slots.ts';
import {
  type AgentProcess,
  type AgentRequest,
  childrenOf,
  NOTHING_AHEAD,
  type ShapeFacts,
} from './agent-process.ts';

const GIB = 2 ** 30;

export async function startInImage(
  facts: ShapeFacts & { shape: 'image' },
  { folders, environment }: AgentRequest,
): Promise<AgentProcess> {
  const [own] = folders;
  const image = await readImage(facts.context);
  const forwarder = await takeSlot();
  const identity = rootIdentities.ofSlot(forwarder.slot);
  const place = (name: string): string => join(own, name);
  for (const name of ['box', 'box/agent', 'box/state']) mkdirSync(place(name), { mode: 0o700 });
  // Everything that the agent's root shall own is that of its user namespace.
  const owner = `${identity.startAs?.uid}:${identity.startAs?.gid}`;
  execFileSync('chown', ['-R', owner, ...folders]);
  execFileSync('mkfifo', [place('box/log')]);
  const reading = openSync(place('box/log'), constants.O_RDONLY | constants.O_NONBLOCK);
  const logFd = openSync(place('box/log'), constants.O_WRONLY);
  const socket = environment['AGENT_SOCKET'] ?? join(AGENT_FOLDER, SOCKET_NAME);
  using copies = new CopiedFiles();
  const command = bwrapArguments(
    {
      image,
      imageDirectory: facts.context,
      root: facts.root,
      etc: await makeHostEtc(place('box'), '127.0.0.1'),
      agentDirectory: place('box/agent'),
      stateDirectory: place('box/state'),
      memoryBytes: 2 * GIB,
      diskBytes: 20 * GIB,
      internet: false,
      environment: { ...image.environment, ...NOTHING_AHEAD, ...environment, AGENT_SOCKET: socket },
    },
    copies,
  );
  let init = 0;
  const box = await BwrapProcess.start({
    bwrap: '/usr/bin/bwrap',
    arguments: [...command, ...folders.flatMap((folder) => ['--bind', folder, folder])],
    command: image.entrypoint,
    copies,
    inheritedFds: inheritedFds(),
    startAs: identity.startAs,
    logFd,
    place: async (pid) => {
      init = pid;
      await identity.map(pid);
    },
    connect: undefined,
  }).finally(() => closeSync(logFd));
  forwarder.forwardTo(environment['AGENT_SOCKET'] ?? place(join('box/agent', SOCKET_NAME)));
  return {
    output: [new Socket({ fd: reading, writable: false })],
    exited: box.exited.then((code) => ({ code, signal: null })),
    baseUrl: `http://${forwarder.address}:49983`,
    pid: () => childrenOf(init)[0],
    terminate: () => box.terminate(),
    kill: () => box.kill(),
    [Symbol.asyncDispose]: () => forwarder.close(),
  };
}
