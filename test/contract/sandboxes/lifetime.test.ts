/** How tasks end, what their limits do, and that nothing of them stays on this machine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BwrapDriver } from '../../../local/sandboxes/bwrap-driver.ts';
import type { Cgroups } from '../../../local/sandboxes/cgroups/cgroup.ts';
import { createTaskDriver } from '../../../local/sandboxes/create.ts';
import type { TaskDriver } from '../../../local/sandboxes/driver.ts';
import { probe } from '../../../local/sandboxes/probe.ts';
import { ask, makePlace, type TestPlace, writeImage } from './image.ts';
import { canIsolate, hasLimits } from './requirement.ts';

let place: TestPlace;
let driver: TaskDriver;

beforeAll(async () => {
  if (!canIsolate) return;
  place = makePlace();
  driver = await createTaskDriver({
    isolation: 'auto',
    runDirectory: place.runDirectory,
    log: () => undefined,
  });
});
afterAll(async () => {
  await driver?.close();
  place?.[Symbol.dispose]();
});

/** Folders of a task in every tree of control groups. */
function groupsOf(id: string): string[] {
  const found: string[] = [];
  const walk = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      if (entry.isDirectory() && entry.name === id) found.push(inner);
      else if (entry.isDirectory()) walk(inner);
    }
  };
  for (const tree of ['', 'memory', 'pids', 'cpu', 'freezer', 'unified']) {
    try {
      walk(join('/sys/fs/cgroup', tree, 'code-interpreter'));
    } catch {
      // This machine has no such tree, or nothing in it is ours.
    }
  }
  return found;
}

/** Processes that write to a file below a folder, as every process of a task does. */
function writersBelow(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/fd/1`).startsWith(folder);
    } catch {
      return false;
    }
  });
}

async function accepts(address: string): Promise<boolean> {
  const socket = connect(49983, address);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

async function startWith(command: string, changes = {}) {
  const own = makePlace();
  writeImage(own.imageDirectory, ['/bin/sh', '-c', command]);
  const task = await driver.start(place.spec({ imageDirectory: own.imageDirectory, ...changes }));
  return { task, [Symbol.dispose]: () => own[Symbol.dispose]() };
}

describe.skipIf(!canIsolate)('the end of a task', () => {
  it.skipIf(!hasLimits)(
    'that cannot be told is an error of its own, and of nobody else',
    async () => {
      const probed = await probe({ runDirectory: place.runDirectory, log: () => undefined });
      if (!probed.possible || probed.options.cgroups === undefined) throw new Error('no groups');
      const { cgroups } = probed.options;
      const forgetful: Cgroups = {
        ...cgroups,
        create: async (...made) => {
          const group = await cgroups.create(...made);
          return {
            add: (pid) => group.add(pid),
            killAll: () => group.killAll(),
            remove: () => group.remove(),
            outOfMemoryKills: () => Promise.reject(new Error('memory.oom_control is gone')),
          };
        },
      };
      const own = await BwrapDriver.open({ ...probed.options, cgroups: forgetful });
      const spec = place.spec();
      const task = await own.start(spec);
      await expect(task.stop(0)).rejects.toThrow('memory.oom_control is gone');
      await own.close();
      expect(groupsOf(spec.id)).toEqual([]);
    },
  );

  it('has the exit code of its program', async () => {
    using started = await startWith('exit 7');
    expect(await started.task.exited).toEqual({ exitCode: 7, outOfMemory: false });
  });

  it('has 128 and the number of the signal', async () => {
    using started = await startWith('kill -USR1 $$');
    expect(await started.task.exited).toEqual({ exitCode: 138, outOfMemory: false });
  });

  it('is its own within the grace', async () => {
    using started = await startWith("trap 'exit 3' TERM; echo > /run/agent/up; sleep 600 & wait");
    await untilFile('up');
    await started.task.stop(10_000);
    expect((await started.task.exited).exitCode).toBe(3);
  });

  it('comes by force after the grace', async () => {
    using started = await startWith("trap '' TERM; while true; do sleep 600; done");
    await started.task.stop(50);
    expect(await started.task.exited).toEqual({ exitCode: 137, outOfMemory: false });
  });

  it('comes at once where its program has not begun', async () => {
    const task = await driver.start(place.spec());
    const began = performance.now();
    await task.stop(20_000);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('takes along what has left its session, and leaves nothing', async () => {
    const spec = place.spec();
    const task = await driver.start(spec);
    const daemon =
      'import os, time\nif os.fork() == 0:\n os.setsid(); os.close(1); os.close(2); time.sleep(600)';
    await ask(task.address, daemon);
    await task.stop(0);
    expect(groupsOf(spec.id)).toEqual([]);
    expect(writersBelow(place.runDirectory)).toEqual([]);
    expect(await accepts(task.address)).toBe(false);
    const left = readdirSync(place.runDirectory, { recursive: true }).map(String);
    expect(left.filter((path) => path.includes(spec.id))).toEqual([]);
  });
});

/** Waits for a file that the command writes into the agent's folder. */
async function untilFile(name: string): Promise<void> {
  for (;;) {
    const files = readdirSync(place.runDirectory, { recursive: true }).map(String);
    if (files.some((path) => path.endsWith(`/agent/${name}`))) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe.skipIf(!hasLimits)('limits', () => {
  it('memory ends what takes too much, and says so when that was the agent', async () => {
    const hog = 'exec /usr/bin/python3 -I -c "x = [bytearray(2**20) for _ in range(500)]"';
    using started = await startWith(hog, { memoryMb: 64 });
    expect(await started.task.exited).toEqual({ exitCode: 137, outOfMemory: true });
  });

  it('memory that user code takes ends that code and leaves the agent', async () => {
    const task = await driver.start(place.spec({ memoryMb: 64 }));
    const hog =
      'open("/proc/self/oom_score_adj", "w").write("1000"); x = [bytearray(2**20) for _ in range(500)]; print("held")';
    expect(await ask(task.address, hog)).not.toContain('held');
    expect(await ask(task.address, 'print("alive")')).toBe('alive');
    await task.stop(0);
    expect((await task.exited).outOfMemory).toBe(false);
  });

  it('processes are counted, and a fork bomb stays in its task', async () => {
    const [bombed, other] = await Promise.all([
      driver.start(place.spec({ memoryMb: 1024 })),
      driver.start(place.spec()),
    ]);
    const bomb = `
import os, time
count = 0
try:
    while count < 3000:
        if os.fork() == 0:
            os.close(1); os.close(2); time.sleep(600)
        count += 1
except OSError as error: print(error.errno, 500 < count < 1100)`;
    expect(await ask(bombed.address, bomb)).toBe('11 True');
    expect(await ask(other.address, 'print("fine")')).toBe('fine');
    await Promise.all([bombed.stop(0), other.stop(0)]);
  });
});

describe.skipIf(!canIsolate)('the address of a task', () => {
  it('carries megabytes both ways, and ends each direction by itself', async () => {
    const task = await driver.start(place.spec());
    const padding = '#'.repeat(3_000_000);
    const text = await ask(task.address, `${padding}\nprint('x' * 5_000_000)`);
    expect(text.length).toBe(5_000_000);
    await task.stop(0);
  });

  it('is held by one driver only, and free when its task has ended', async () => {
    const task = await driver.start(place.spec());
    const rival = createServer();
    rival.listen(49983, task.address);
    expect(String(await once(rival, 'error'))).toContain('EADDRINUSE');
    await task.stop(0);
    rival.listen(49983, task.address);
    await once(rival, 'listening');
    rival.close();
  });

  it('refuses at once when the program listens nowhere and has ended', async () => {
    using started = await startWith('exit 0');
    await started.task.exited;
    expect(await accepts(started.task.address)).toBe(false);
  });
});

describe.skipIf(!canIsolate)('two drivers at once', () => {
  it('share a folder and a machine and nothing else', async () => {
    const second = await createTaskDriver({ isolation: 'auto', runDirectory: place.runDirectory });
    const starts = [driver, second, driver, second, driver, second];
    const tasks = await Promise.all(starts.map((one) => one.start(place.spec())));
    expect(new Set(tasks.map(({ address }) => address)).size).toBe(tasks.length);
    const map = 'print(open("/proc/self/uid_map").read())';
    const maps = await Promise.all(tasks.map(({ address }) => ask(address, map)));
    expect(new Set(maps).size).toBe(tasks.length);
    await second.close();
    const alive = await Promise.all([0, 2, 4].map((i) => ask(tasks[i]!.address, 'print("up")')));
    expect(alive).toEqual(['up', 'up', 'up']);
    for (const task of tasks) await task.stop(0);
  });
});

describe.skipIf(!canIsolate)('a driver that is killed', () => {
  const owner = fileURLToPath(new URL('owner.ts', import.meta.url));

  it('takes its tasks along, and the next start removes the rest', async () => {
    using own = makePlace();
    const id = own.spec().id;
    const child = spawn(process.execPath, [owner, own.runDirectory, own.imageDirectory, id], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const address = String((await once(child.stdout, 'data'))[0]).trim();
    expect(await ask(address, 'print("up")')).toBe('up');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await accepts(address)).toBe(false);
    const next = await createTaskDriver({ isolation: 'auto', runDirectory: own.runDirectory });
    expect(writersBelow(own.runDirectory)).toEqual([]);
    expect(groupsOf(id)).toEqual([]);
    await next.close();
    expect(readdirSync(own.runDirectory)).toEqual([]);
  });

  it('in the middle of starts leaves nothing either', async () => {
    using own = makePlace();
    const { id } = own.spec();
    const child = spawn(process.execPath, [owner, own.runDirectory, own.imageDirectory, id, '8'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const next = await createTaskDriver({ isolation: 'auto', runDirectory: own.runDirectory });
    await next.close();
    expect(writersBelow(own.runDirectory)).toEqual([]);
    expect(readdirSync(own.runDirectory)).toEqual([]);
  });
});

describe.skipIf(!canIsolate)('an image that cannot start', () => {
  it('is refused with what is wrong and leaves nothing', async () => {
    using own = makePlace();
    writeFileSync(join(own.imageDirectory, 'image.json'), '{"version": 2}');
    await expect(driver.start(own.spec())).rejects.toThrow(/image\.json: [^]*version/);
    writeImage(own.imageDirectory, ['/no/such/program']);
    const task = await driver.start(own.spec());
    expect((await task.exited).exitCode).toBe(1);
  });
});
