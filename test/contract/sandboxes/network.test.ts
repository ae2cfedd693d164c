/** A task that may reach the internet, and what it may not reach all the same. */
import { accessSync, existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, it } from 'vitest';
import { createTaskDriver } from '../../../local/sandboxes/create.ts';
import { ask, makePlace } from './image.ts';
import { canIsolate } from './requirement.ts';

const hasNetwork = ((): boolean => {
  try {
    accessSync('/dev/net/tun', 6);
    return existsSync('/usr/bin/slirp4netns');
  } catch {
    return false;
  }
})();

it.skipIf(!canIsolate || !hasNetwork)('has a way out, but none to this machine', async () => {
  using place = makePlace();
  const server = createServer().listen(0, '0.0.0.0');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const own = Object.values(networkInterfaces())
    .flat()
    .filter((address) => address?.family === 'IPv4')
    .map((address) => [address?.address, port]);
  const driver = await createTaskDriver({ isolation: 'auto', runDirectory: place.runDirectory });
  const task = await driver.start(place.spec({ internet: true }));
  const targets = [...own, ['10.0.2.2', port], ['169.254.169.254', 80], ['192.168.0.1', 80]];
  const text = await ask(
    task.address,
    `
import socket
print([line.split()[0] for line in open('/proc/net/route').readlines()[1:] if line.split()[1] == '00000000'])
print(open('/etc/resolv.conf').read().strip())
for host, port in ${JSON.stringify(targets)}:
    try: socket.create_connection((host, port), 2); print('connected', host)
    except OSError: print('no')`,
  );
  expect(text.split('\n')).toEqual(["['tap0']", 'nameserver 10.0.2.3', ...targets.map(() => 'no')]);
  await driver.close();
  server.close();
});
