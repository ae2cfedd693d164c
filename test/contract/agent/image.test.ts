/** What the built image holds and gives: only where `npm test -- --shape` runs the agent in it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RUNTIMES } from '../../../contract/runtimes.ts';
import { startAgent, type TestAgent } from '../../helpers/agent.ts';
import { shape } from '../../helpers/agent-process.ts';

/** CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID, SETPCAP, by their numbers. */
const SEVEN = [0, 1, 3, 5, 6, 7, 8].reduce((set, number) => set | (1 << number), 0);

describe.skipIf(shape.shape === 'host')('a sandbox of the image', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent();
  });
  afterAll(() => agent[Symbol.asyncDispose]());
  const out = async (code: string) => {
    const { stdout, error } = await agent.run(code);
    return error ? `${error.name}: ${error.value}` : stdout.trim();
  };

  it('has an agent with seven capabilities, and user code with none', async () => {
    const status = (pid: number | undefined) => readFileSync(`/proc/${pid}/status`, 'utf8');
    const capabilities = (text: string, set: string) =>
      Number.parseInt(new RegExp(`Cap${set}:\\s+(\\w+)`).exec(text)?.[1] ?? '', 16);
    const own = status(agent.pid);
    for (const set of ['Eff', 'Prm', 'Bnd']) expect(capabilities(own, set)).toBe(SEVEN);
    const user = await out('print(open("/proc/self/status").read())');
    for (const set of ['Eff', 'Prm', 'Bnd', 'Inh', 'Amb']) expect(capabilities(user, set)).toBe(0);
    expect(user).toMatch(/Uid:(\s+1000){4}[\s\S]*NoNewPrivs:\s+1[\s\S]*Seccomp:\s+2/);
  });

  it('has no program with more rights than its caller, no compiler, and a root that nobody can write', async () => {
    expect(
      await out(`
import os, stat
found = []
for folder, names, files in os.walk('/'):
    if folder in ('/proc', '/sys', '/dev'): names.clear(); continue
    for name in files:
        path = os.path.join(folder, name)
        if os.lstat(path).st_mode & (stat.S_ISUID | stat.S_ISGID): found.append(path)
print(found, [p for p in ('gcc', 'cc', 'g++', 'as', 'ld') if os.path.exists('/usr/bin/' + p)])`),
    ).toBe('[] []');
    for (const place of ['/usr/x', '/opt/agent/x', '/etc/x', '/x'])
      expect(await out(`open(${JSON.stringify(place)}, 'w')`)).toMatch(
        /^(PermissionError|OSError): /,
      );
  });

  it('gives user code its places, also where volumes arrive as root’s', async () => {
    expect(
      await out(
        `import os\nprint([oct(os.stat(p).st_mode & 0o7777) for p in ('/tmp', '/var/tmp')])\nfor p in ('/tmp/x', '/var/tmp/x', '/dev/shm/x'): open(p, 'w').close()`,
      ),
    ).toBe("['0o1777', '0o1777']");
  });

  it('shows user code nothing of the agent', async () => {
    for (const path of ['/opt/agent/agent.mjs', '/var/lib/agent', '/run/agent', '/etc/shadow'])
      expect(
        await out(`import os\np = '${path}'\nos.listdir(p) if os.path.isdir(p) else open(p)`),
      ).toMatch(/^PermissionError: /);
  });

  it('has the packages that it is said to have, compiled, and a bill of them', async () => {
    expect(
      await out(`
import importlib.util as finder, locale, os
names = 'IPython numpy pandas matplotlib scipy seaborn plotly altair sympy PIL openpyxl requests'.split()
origins = [finder.find_spec(name).origin for name in names]
print([path for path in origins if not os.path.exists(finder.cache_from_source(path))])
print(locale.getpreferredencoding(), len(open('/opt/agent/packages.txt').readlines()) > 100)`),
    ).toBe('[]\nUTF-8 True');
  });

  it.each([
    ['python', 'python', 'import sys; print(sys.version)'],
    ['node', 'typescript', 'console.log(process.versions.node as string)'],
    ['bash', 'bash', 'echo $BASH_VERSION'],
  ] as const)('runs %s in the version that is offered', async (family, language, code) => {
    const [version] = RUNTIMES[family].versions;
    expect((await agent.run(code, { language })).stdout).toMatch(new RegExp(`^${version}\\.`));
  });

  it('holds what it was built from', () => {
    if (shape.shape === 'host') return;
    const inImage = readFileSync(join(shape.root, 'opt/agent/agent.mjs'));
    expect(inImage.equals(readFileSync(join(shape.context, 'agent.mjs')))).toBe(true);
  });
});
