/** When an interpreter with heavy libraries is started, and what becomes of it. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Place, Preloader } from '../../../containers/agent/contexts/preloader.ts';
import type { Kernel } from '../../../containers/agent/kernels/kernel.ts';
import { Log } from '../../../containers/agent/log.ts';

const QUIET_MS = 100;
/** Longer than it ever waits for quiet. */
const PATIENCE_MS = 2 * QUIET_MS;
const MIB = 1024 * 1024;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function fakeKernel(memoryBytes: number): Kernel {
  const kernel = {
    pid: 1,
    preloadedBytes: undefined,
    dismissed: false,
    tree: { read: () => ({ memoryBytes }) },
    dismiss: () => {
      kernel.dismissed = true;
    },
  };
  return kernel as unknown as Kernel;
}

function world() {
  const sandbox = { idle: true, roomBytes: 1024 * MIB, machineBusy: false, idleMs: 0 };
  const starts: { readonly signal: AbortSignal; readonly ready: (kernel: Kernel) => void }[] = [];
  const preloader = new Preloader({
    loads: (language) => Promise.resolve(language === 'python'),
    start: (_, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<Kernel>();
      signal.addEventListener('abort', () => reject(new Error('it was ended')));
      starts.push({ signal, ready: resolve });
      return promise;
    },
    roomBytes: () => Promise.resolve(sandbox.roomBytes),
    isIdle: () => sandbox.idle,
    idleMs: () => (sandbox.machineBusy ? 0 : performance.now()),
    quietMs: QUIET_MS,
    log: new Log(() => undefined),
  });
  const offer = (language: Place['language'] = 'python') => {
    const bare = fakeKernel(30 * MIB);
    let standing: Kernel | undefined = bare;
    const place: Place = {
      language,
      bare: () => standing,
      take: (kernel) => {
        standing = kernel;
      },
    };
    preloader.offer(place);
    const use = () => {
      standing = undefined;
      preloader.giveWay();
    };
    return { bare, use, standing: () => standing };
  };
  return { sandbox, starts, preloader, offer };
}

const pass = (ms = PATIENCE_MS) => vi.advanceTimersByTimeAsync(ms);

it('takes the place of the one that stands ready, which ends', async () => {
  const { starts, offer } = world();
  const place = offer();
  await pass();
  const loaded = fakeKernel(90 * MIB);
  starts[0]?.ready(loaded);
  await pass(0);
  expect(place.standing()).toBe(loaded);
  expect([place.bare.dismissed, loaded.dismissed, loaded.preloadedBytes]).toEqual([
    true,
    false,
    60 * MIB,
  ]);
});

it('is ended when anything is asked meanwhile, and begun no more for who is in use', async () => {
  const { starts, offer } = world();
  const place = offer();
  await pass();
  place.use();
  await pass();
  expect(starts.map(({ signal }) => signal.aborted)).toEqual([true]);
  expect(place.bare.dismissed).toBe(false);
});

it('is begun again for who still waits when another was asked, and at most three times', async () => {
  const { starts, preloader, offer } = world();
  offer();
  const seen: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    await pass();
    seen.push(starts.length);
    preloader.giveWay();
    await pass(0);
  }
  expect(seen).toEqual([1, 2, 3, 3, 3]);
});

it('is not begun for a language that has nothing to load', async () => {
  const { starts, offer } = world();
  offer('bash');
  await pass(1_000);
  expect(starts).toHaveLength(0);
});

it('is dismissed where it comes too late', async () => {
  const { starts, offer } = world();
  const place = offer();
  await pass();
  const loaded = fakeKernel(90 * MIB);
  starts[0]?.ready(loaded);
  place.use();
  await pass();
  expect([loaded.dismissed, place.bare.dismissed]).toEqual([true, false]);
});

it('waits while code runs, and while the machine is busy', async () => {
  const { sandbox, starts, offer } = world();
  offer();
  sandbox.idle = false;
  await pass(1_000);
  Object.assign(sandbox, { idle: true, machineBusy: true });
  await pass(1_000);
  expect(starts).toHaveLength(0);
  sandbox.machineBusy = false;
  await pass(2 * PATIENCE_MS);
  expect(starts).toHaveLength(1);
});

it('is not begun where memory is short', async () => {
  const { sandbox, starts, offer } = world();
  sandbox.roomBytes = 512 * MIB;
  offer();
  await pass(1_000);
  expect(starts).toHaveLength(0);
});

it('comes one at a time, and not at all once the sandbox ends', async () => {
  const { starts, preloader, offer } = world();
  const places = [offer(), offer(), offer()];
  await pass(1_000);
  expect(starts).toHaveLength(1);
  starts[0]?.ready(fakeKernel(90 * MIB));
  await pass();
  expect(starts).toHaveLength(2);
  preloader.close();
  await pass(1_000);
  expect(starts.map(({ signal }) => signal.aborted)).toEqual([false, true]);
  expect(places.filter(({ bare }) => bare.dismissed)).toHaveLength(1);
});
