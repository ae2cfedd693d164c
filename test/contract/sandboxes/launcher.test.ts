/** The launcher in its real place: started by root of a sandbox, which has seven capabilities. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildImageContext } from '../../../containers/image/context.ts';
import { createTaskDriver } from '../../../local/sandboxes/create.ts';
import type { RunningTask, TaskDriver } from '../../../local/sandboxes/driver.ts';
import { ask, makePlace, type TestPlace } from './image.ts';
import { canIsolate } from './requirement.ts';

let place: TestPlace;
let driver: TaskDriver;
let task: RunningTask;

/** Runs a command as the agent runs user code. */
const launched = (code: string): Promise<string> =>
  ask(
    task.address,
    `
import subprocess
limits = '--uid 1000 --gid 1000 --nproc 64 --data 0 --fsize 0 --nofile 256 --cwd /home/user'.split()
launcher = ['/opt/agent/launcher', *limits, '--seccomp', '/opt/agent/seccomp.bpf', '--']
print(subprocess.run([*launcher, '/usr/bin/python3', '-I', '-c', ${JSON.stringify(code)}], capture_output=True, text=True))`,
  );

beforeAll(async () => {
  if (!canIsolate) return;
  place = makePlace();
  // The context of the real image, with the test's agent in the place of ours.
  const imageDirectory = join(place.imageDirectory, 'context');
  const stand = join(place.imageDirectory, 'agent.py');
  const languages = join(place.imageDirectory, 'languages');
  mkdirSync(languages);
  const { manifest } = await buildImageContext({
    outDirectory: imageDirectory,
    agentBundle: stand,
    languagesDirectory: languages,
    nodeBinary: stand,
  });
  const entrypoint = ['/usr/bin/python3', '-I', '/opt/agent/agent.mjs'];
  writeFileSync(join(imageDirectory, 'image.json'), JSON.stringify({ ...manifest, entrypoint }));
  driver = await createTaskDriver({ isolation: 'auto', runDirectory: place.runDirectory });
  task = await driver.start(place.spec({ imageDirectory }));
});
afterAll(async () => {
  await driver?.close();
  place?.[Symbol.dispose]();
});

describe.skipIf(!canIsolate)('user code', () => {
  it('starts with no right at all', async () => {
    const status = await launched('print(open("/proc/self/status").read())');
    expect(status).toMatch(/returncode=0/);
    expect(status).toMatch(/Uid:\\t1000\\t1000\\t1000\\t1000/);
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) {
      expect(status).toMatch(new RegExp(`Cap${set}:\\\\t0{16}`));
    }
    expect(status).toMatch(/Seccomp:\\t2/);
  });

  it('writes to its home and reads nothing of the agent', async () => {
    const text = await launched(
      'open("file", "w").write("x"); print(open("file").read()); open("/opt/agent/agent.mjs")',
    );
    expect(text).toContain("stdout='x\\n'");
    expect(text).toMatch(/PermissionError: .*'\/opt\/agent\/agent\.mjs/);
  });

  it('is all gone after --kill-all, and the agent is not', async () => {
    const text = await ask(
      task.address,
      `
import os, subprocess, time
for _ in range(5):
    if os.fork() == 0:
        os.setsid(); os.close(1); os.close(2)
        os.setgroups([]); os.setresgid(1000, 1000, 1000); os.setresuid(1000, 1000, 1000)
        open('/tmp/up-%d' % os.getpid(), 'w').close()
        time.sleep(600)
while len([n for n in os.listdir('/tmp') if n.startswith('up-')]) < 5: time.sleep(0.005)
print(subprocess.run(['/opt/agent/launcher', '--kill-all', '--uid', '1000']).returncode)
for _ in range(5): print(os.wait()[1])`,
    );
    expect(text.split('\n')).toEqual(['0', '9', '9', '9', '9', '9']);
    expect(await ask(task.address, 'print("alive")')).toBe('alive');
  });
});

it.skipIf(!canIsolate)('the context it comes from names no path of this machine', () => {
  const text = readFileSync(join(place.imageDirectory, 'context', 'image.json'), 'utf8');
  expect(text).not.toContain(place.imageDirectory);
});
