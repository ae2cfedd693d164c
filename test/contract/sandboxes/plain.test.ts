/** No isolation, for who asks for it in words. */
import { readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createTaskDriver } from '../../../local/sandboxes/create.ts';
import { makePlace, writeImage } from './image.ts';

const AGENT = `
import os, socket
server = socket.create_server((os.environ['AGENT_HOST'], int(os.environ['AGENT_PORT'])))
while True:
    connection, _ = server.accept()
    connection.sendall(os.environ['AGENT_LAUNCHER'].encode())
    connection.close()
`;

async function readFrom(address: string): Promise<string | undefined> {
  const socket = connect(49983, address);
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  socket.once('data', (chunk) => resolve(String(chunk)));
  socket.once('error', () => resolve(undefined));
  return promise.finally(() => socket.destroy());
}

it('runs the program of the image as a process of ours, after a warning, and ends it', async () => {
  using place = makePlace();
  writeFileSync(join(place.imageDirectory, 'agent.py'), AGENT);
  writeImage(place.imageDirectory, ['/usr/bin/python3', '/opt/agent/agent.py']);
  const said: string[] = [];
  const driver = await createTaskDriver({
    isolation: 'none',
    runDirectory: place.runDirectory,
    log: (message) => void said.push(message),
  });
  expect(said.join()).toMatch(/^WARNING: --isolation=none/);
  const task = await driver.start(place.spec());
  let answer: string | undefined;
  while (answer === undefined) answer = await readFrom(task.address);
  expect(answer).toBe('none');
  await task.stop(10_000);
  expect(await task.exited).toEqual({ exitCode: 143, outOfMemory: false });
  expect(await readFrom(task.address)).toBeUndefined();
  await driver.close();
  expect(readdirSync(place.runDirectory)).toEqual([]);
});
