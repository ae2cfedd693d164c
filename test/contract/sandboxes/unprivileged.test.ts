/** The same driver for a user who is not root, by newuidmap; the ranges are lent in a private mount namespace. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { isReachable } from '../../../local/sandboxes/reach.ts';
import { ask, asUser, makePlace } from './image.ts';
import { canIsolate } from './requirement.ts';

const USER = 20_001;
const owner = fileURLToPath(new URL('owner.ts', import.meta.url));
const lendable =
  process.getuid?.() === 0 &&
  existsSync('/etc/subuid') &&
  existsSync('/usr/bin/newuidmap') &&
  isReachable(process.cwd()) &&
  spawnSync('/usr/bin/unshare', ['--mount', 'true']).status === 0;

const SCRIPT = `
set -e
for name in passwd subuid subgid; do mount --bind "$1/$name" "/etc/$name"; done
shift
exec setpriv --reuid ${USER} --regid ${USER} --clear-groups "$@"`;

it.skipIf(!canIsolate || !lendable)('isolates for a user who is not root', async () => {
  using place = makePlace();
  const lent = join(place.imageDirectory, '..', 'lent');
  for (const folder of [lent, place.runDirectory]) mkdirSync(folder);
  chownSync(place.runDirectory, USER, USER);
  const accounts = `${readFileSync('/etc/passwd', 'utf8')}\ntester:x:${USER}:${USER}::/:/bin/sh\n`;
  writeFileSync(join(lent, 'passwd'), accounts);
  for (const name of ['subuid', 'subgid']) writeFileSync(join(lent, name), 'tester:700000:65536\n');

  const task = [owner, place.runDirectory, place.imageDirectory, place.spec().id];
  const command = ['--mount', '/bin/sh', '-c', SCRIPT, 'sh', lent, process.execPath, ...task];
  const child = spawn('/usr/bin/unshare', command, { stdio: ['ignore', 'pipe', 'ignore'] });
  const address = String((await once(child.stdout, 'data'))[0]).trim();

  const map = await ask(address, 'print(open("/proc/self/uid_map").read())');
  const [root, user] = map.split('\n').map((line) => line.trim().split(/\s+/));
  expect(root).toEqual(['0', String(USER), '1']);
  expect(Number(user?.[1])).toBeGreaterThanOrEqual(700_000);
  const attempt = 'open("/home/user/file", "w"); print(os.getresuid(), os.listdir("/opt/agent"))';
  expect(await ask(address, asUser(attempt))).toBe("(1000, 1000, 1000) ['agent.py']");
  const spy = 'try: open("/opt/agent/agent.py")\nexcept PermissionError: print("no")';
  expect(await ask(address, asUser(spy))).toBe('no');

  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(readdirSync(place.runDirectory).length).toBe(1);
});
