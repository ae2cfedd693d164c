/** Heavy libraries of Python are in an interpreter before the first cell asks, and show in nothing but the time. */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { AgentContext } from '../../../contract/agent/contexts.ts';
import { canUseLauncher, newId, startAgent, type TestAgent } from '../../helpers/agent.ts';
import { shape } from '../../helpers/agent-process.ts';
import { AHEAD, preloaded, said } from '../../helpers/preloaded.ts';
import { hasModules } from '../../helpers/python-modules.ts';

const MIB = 1024 * 1024;
const Contexts = z.object({ items: z.array(AgentContext) });
/** What of it cannot be hidden: the libraries of C that the process holds. */
const HOLDS = '"_multiarray_umath" in open("/proc/self/maps").read()';

const started = (agent: TestAgent) =>
  vi.waitFor(() => expect(said(agent, 'an interpreter is ready')).not.toEqual([]), {
    timeout: 20_000,
    interval: 2,
  });

/** Undefined where its BLAS does not tell. */
const THREADS = `next((getattr(blas, name)() for name in ("openblas_get_num_threads",
  "openblas_get_num_threads64_", "scipy_openblas_get_num_threads64_", "flexiblas_get_num_threads")
  if hasattr(blas, name)), None)`;
const BLAS = `import ctypes, sys
core = sys.modules.get("numpy._core._multiarray_umath") or sys.modules["numpy.core._multiarray_umath"]
blas = ctypes.CDLL(core.__file__)`;

/** As it is deployed, where this machine can. */
const launcher = canUseLauncher;
const canPreload = hasModules('IPython', 'numpy', 'pandas', 'matplotlib');

describe.skipIf(!canPreload)('an interpreter that has waited', () => {
  let agent: TestAgent;
  let times = 0;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'ipython', launcher, env: AHEAD });
    times = 1;
    await preloaded(agent);
  }, 30_000);
  afterAll(() => agent[Symbol.asyncDispose]());

  const printed = async (code: string): Promise<string> => {
    const { stdout, stderr, error } = await agent.run(code);
    expect([stderr, error]).toEqual(['', undefined]);
    return stdout.trim();
  };
  const afresh = async () => {
    const { items } = Contexts.parse((await agent.call('GET', '/contexts')).body);
    await agent.call('POST', `/contexts/${items[0]?.id}/restart`);
    times += 1;
    await preloaded(agent, times);
  };

  it('gives a library whole, or again, where an interrupt comes as it is imported', async () => {
    const interrupts = `import os, signal
own = os.sched_getaffinity
def affinity(pid):
    os.sched_getaffinity = own
    os.kill(os.getpid(), signal.SIGINT)
    return own(pid)
os.sched_getaffinity = affinity
import numpy`;
    expect((await agent.run(interrupts)).error?.name).toBe('KeyboardInterrupt');
    const again = `import warnings\nwarnings.simplefilter("error")
import numpy, pandas\nprint(pandas.Series(numpy.arange(3)).sum())`;
    expect(await printed(again)).toBe('3');
    await afresh();
  });

  it('gives a library once, where threads import it and what needs it', async () => {
    const code = `import sys, threading
begun, done = threading.Event(), threading.Event()
def wait_once_found(frame, event, _):
    if event == "call" and frame.f_code.co_name == "create_module" and not begun.is_set():
        begun.set()
        done.wait(0.5)
def bring():
    sys.setprofile(wait_once_found)
    import numpy
first = threading.Thread(target=bring)
first.start()
begun.wait()
import pandas
done.set()
first.join()
import numpy, numpy.random
print(pandas.core.dtypes.common.np is numpy, pandas.Series(numpy.arange(3)).sum())`;
    expect(await printed(code)).toBe('True 3');
    await afresh();
  });

  it('holds the libraries, and nothing shows them', async () => {
    const seen = `import sys
print(sorted(globals()), sys.argv, sorted(name for name in sys.modules if name.split(".")[0] in
  {"numpy", "pandas", "matplotlib", "PIL", "dateutil", "csv"}))`;
    await using bare = await startAgent({
      driver: 'ipython',
      launcher,
      env: { AGENT_MEMORY_BYTES: String(512 * MIB), AGENT_PRELOAD_QUIET_MS: '0' },
    });
    const expected = (await bare.run(seen)).stdout.replace(bare.folder, agent.folder);
    expect(await printed(seen)).toBe(expected.trim());
    const threads = 'len(__import__("os").listdir("/proc/self/task"))';
    expect(await printed(`print(${HOLDS}, ${threads})`)).toBe('True 1');
    expect(await readdir(agent.workspace)).toEqual(await readdir(bare.workspace));
  }, 20_000);

  it('hears an interrupt and keeps its state', async () => {
    await printed('kept = 7');
    const id = await agent.start('import time\ntime.sleep(60)');
    await agent.call('POST', `/executions/${id}/interrupt`);
    expect((await agent.result(id)).finished.outcome).toBe('interrupted');
    expect(await printed('print(kept)')).toBe('7');
  });

  it('hands over what is imported, with what that brings and no more', async ({ skip }) => {
    const code = `import importlib.util, numpy
found = [name in sys.modules for name in ("numpy.linalg", "pandas", "matplotlib")]
${BLAS}
print(found, numpy.__spec__.name, importlib.util.find_spec("pandas").origin.endswith("pandas/__init__.py"))
import pandas as pd, matplotlib.pyplot as plt
print(pd.DataFrame({"n": numpy.arange(3)}).n.sum())`;
    expect(await printed(`import os, sys\n${code}`)).toBe('[True, False, False] numpy True\n3');
    const { results } = await agent.run('pd.DataFrame({"n": [1, 2]}).plot()\nplt.show()');
    expect(results.map(({ data = {} }) => 'image/png' in data)).toContain(true);
    const threads = await printed(`print([${THREADS}, len(os.sched_getaffinity(0))])`);
    if (shape.shape === 'host' && threads.startsWith('[None'))
      skip('the BLAS of this machine does not tell its threads: they were not looked at');
    expect(threads).toMatch(/^\[(\d+), \1\]$/);
  });

  it('lets files of the user’s own win, and code fork', async () => {
    await afresh();
    const own = ['pandas.py', 'csv.py'].map((name) => join(agent.workspace, name));
    const [pandas = '', csv = ''] = own;
    await writeFile(pandas, 'mine = True');
    const fork = `import os
pid = os.fork()
if pid == 0:
    import numpy, matplotlib.pyplot
    os._exit(int(numpy.ones((64, 64)).dot(numpy.ones(64))[0]))
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), ${HOLDS})`;
    expect(await printed(fork)).toBe('64 True');
    await mkdir(join(agent.workspace, 'matplotlib'));
    own.push(join(agent.workspace, 'matplotlib'));
    for (const name of ['__init__.py', 'font_manager.py'])
      await writeFile(join(agent.workspace, 'matplotlib', name), 'mine = True');
    await printed('import numpy');
    await writeFile(csv, 'mine = True');
    const code = 'import pandas, csv, matplotlib.font_manager as fonts';
    expect(await printed(`${code}\nprint(pandas.mine, csv.mine, fonts.mine)`)).toBe(
      'True True True',
    );
    for (const path of own) await rm(path, { recursive: true });
  }, 30_000);

  it('comes by the recipes of Python’s documentation too, and what a library uses comes alone', async () => {
    await afresh();
    const code = `import copy, importlib.util, sys
def load(name, lazily):
    spec = importlib.util.find_spec(name)
    loader = copy.copy(spec.loader)
    spec.loader = importlib.util.LazyLoader(loader) if lazily else loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
there = lambda: [name in sys.modules for name in ("PIL", "numpy", "matplotlib", "pandas")]
print(load("PIL", False).__name__, there(), load("dateutil", True).parser.parse("2026-01-02").day)
lazy, numpy = load("matplotlib", True), load("numpy", True)
import pandas
print(numpy.arange(3).sum(), pandas.Series([1]).sum(), lazy.rcParams is sys.modules["matplotlib"].rcParams, there())
print(type(lazy).__name__, lazy.__spec__.loader is lazy.__loader__, lazy.get_cachedir() != "", ${HOLDS})`;
    expect(await printed(code)).toBe(
      [
        'PIL [True, False, False, False] 2',
        '3 1 True [True, True, True, True]',
        'module True True True',
      ].join('\n'),
    );
  }, 30_000);

  it('reads again what an import reads of its surroundings', async ({ skip }) => {
    await afresh();
    await writeFile(join(agent.workspace, 'matplotlibrc'), 'lines.linewidth: 7\n');
    await mkdir(join(agent.folder, 'matplotlib'), { recursive: true });
    await writeFile(join(agent.folder, 'matplotlib', 'fontlist-of-the-image.json'), '{}');
    const code = `import os, ctypes
os.environ.update(MPLBACKEND="agg", OMP_NUM_THREADS="1", MPLCONFIGDIR=os.path.abspath("settings"))
import matplotlib, numpy
${BLAS}
print(matplotlib.get_backend(), matplotlib.rcParams["lines.linewidth"], ${HOLDS},
  os.listdir(matplotlib.get_cachedir()))
print(${THREADS})`;
    const [read, threads] = (await printed(code)).split('\n');
    expect(read).toBe("agg 7.0 True ['fontlist-of-the-image.json']");
    if (shape.shape === 'host' && threads === 'None')
      skip('the BLAS of this machine does not tell its threads: they were not looked at');
    expect(threads).toBe('1');
  }, 30_000);

  it('has what a run may hold in full', async () => {
    await afresh();
    const [code, limits] = ['import time\ntime.sleep(0.25)', { memoryMb: 64 }];
    expect((await agent.run(code, { limits })).finished.outcome).toBe('ok');
    const pool = `import multiprocessing
with multiprocessing.get_context("fork").Pool(2) as pool:
    pool.map(time.sleep, [0.3, 0.3])`;
    const ofThree = { memoryMb: 3 * limits.memoryMb };
    expect((await agent.run(pool, { limits: ofThree })).finished.outcome).toBe('ok');
  }, 30_000);
});

/** By its own means: no library of an image is broken. */
describe.skipIf(!canPreload || shape.shape !== 'host')('a library that is broken', () => {
  it('ends the interpreter that loads it, which leaves nothing behind, nor what was killed before it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'broken-library-'));
    await mkdir(join(folder, 'pandas'));
    await writeFile(join(folder, 'pandas', 'part.py'), '');
    await writeFile(join(folder, 'pandas', '__init__.py'), 'from . import part\n1 / 0\n');
    const code = `import contextlib, sys, IPython\nsys.path[:0] = sys.argv[1:]
from kernel_preload import preload\npreload(contextlib.nullcontext())\nprint("it serves")`;
    const left = '/tmp/.preload-999999999';
    await mkdir(left, { recursive: true });
    const drivers = join(import.meta.dirname, '../../../containers/languages/python');
    const ended = spawnSync('/usr/bin/python3', ['-IB', '-c', code, drivers, folder], {
      encoding: 'utf8',
    });
    await rm(folder, { recursive: true });
    expect([ended.status, ended.stdout]).toEqual([1, '']);
    expect(ended.stderr).toContain('ZeroDivisionError');
    const mine = [left, `/tmp/.preload-${ended.pid}`].map((path) => path.slice('/tmp/'.length));
    expect((await readdir('/tmp')).filter((name) => mine.includes(name))).toEqual([]);
  });
});

describe.skipIf(!canPreload)('an interpreter that is asked before it has loaded', () => {
  it('serves at once, and goes on as it is', async () => {
    await using agent = await startAgent({
      driver: 'ipython',
      env: { AGENT_PRELOAD_QUIET_MS: '0' },
    });
    await started(agent);
    const [first] = said(agent, 'an interpreter is ready');
    const { stdout } = await agent.run(`import os\nx = os.getpid()\nprint(x, ${HOLDS})`);
    const pid = String(z.object({ pid: z.number() }).parse(JSON.parse(first ?? '')).pid);
    expect(stdout).toBe(`${pid} False\n`);
    expect((await agent.run('import pandas\nprint(x)')).stdout).toBe(`${pid}\n`);
    expect(said(agent, 'an interpreter has its libraries ready')).toEqual([]);
  }, 30_000);

  it('waits while a process runs', async () => {
    await using agent = await startAgent({ driver: 'ipython', env: AHEAD });
    await started(agent);
    const process = { executionId: newId('ex'), command: 'sleep 4' };
    expect((await agent.call('POST', '/processes', process)).status).toBe(201);
    const ended = agent.result(process.executionId);
    const first = await Promise.race([ended, preloaded(agent).then(() => 'it loaded')]);
    expect(first).toMatchObject({ finished: { exitCode: 0 } });
    await preloaded(agent);
  }, 30_000);

  it('loads nothing where the memory is short', async () => {
    const env = { AGENT_MEMORY_BYTES: String(512 * MIB), AGENT_PRELOAD_QUIET_MS: '0' };
    await using agent = await startAgent({ driver: 'ipython', env });
    const told = () => expect(said(agent, 'no memory to load libraries ahead')).toHaveLength(1);
    await vi.waitFor(told, { timeout: 10_000, interval: 5 });
    expect((await agent.run(`print(${HOLDS})`)).stdout).toBe('False\n');
  }, 20_000);
});
