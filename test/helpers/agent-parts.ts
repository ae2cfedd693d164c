/** What an agent is made of, in a folder of its own: drivers, launcher, helpers. Answers their places, as its environment has them. */
import { randomInt } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  compileFilesHelper,
  compileLauncher,
  compilePtyHelper,
} from '../../containers/launcher/compile.ts';
import { writeSeccompTables } from '../../containers/launcher/seccomp.ts';
import { HOST_ARCHITECTURE } from '../../local/shared/architecture.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface AgentParts {
  /** Which Python driver; the best that is installed where absent. */
  readonly driver?: 'ipython' | 'plain';
  /** User code as another user through the real launcher: needs root and a C compiler. */
  readonly launcher?: boolean;
  /** With the program of its file routes: needs a C compiler. */
  readonly files?: true;
  /** With the program that gives terminals: needs a C compiler. */
  readonly terminals?: true;
}

/** Everything is made for this agent: nothing of an image is there. */
export async function partsOnHost(
  folder: string,
  options: AgentParts,
): Promise<Record<string, string>> {
  return {
    AGENT_PORT: '0',
    AGENT_HOST: '127.0.0.1',
    AGENT_LANGUAGES: await languagesIn(folder, options.driver),
    ...(options.launcher === true ? await launcherIn(folder) : { AGENT_LAUNCHER: 'none' }),
    ...(options.files ? await filesHelperIn(folder) : {}),
    ...(options.terminals ? await ptyHelperIn(folder) : {}),
  };
}

/** The image brings all of it, but for a driver that a test insists on. */
export async function partsInBox(
  folder: string,
  options: AgentParts,
): Promise<Record<string, string>> {
  if (options.driver === undefined) return {};
  return { AGENT_LANGUAGES: await languagesIn(folder, options.driver) };
}

/** A copy, since another user must be able to read it, with one driver where one is asked for. */
async function languagesIn(folder: string, driver: string | undefined): Promise<string> {
  const target = join(folder, 'languages');
  await cp(join(root, 'containers/languages'), target, { recursive: true });
  if (driver === undefined) return target;
  const path = join(target, 'python', 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as { drivers: { name: string }[] };
  const drivers = manifest.drivers.filter(({ name }) => name === driver);
  await writeFile(path, JSON.stringify({ ...manifest, drivers }));
  return target;
}

async function filesHelperIn(folder: string): Promise<Record<string, string>> {
  const helper = await compileFilesHelper(join(folder, 'helper'));
  if (helper === undefined) throw new Error('the files helper needs a C compiler');
  return { AGENT_FILES_HELPER: helper };
}

async function ptyHelperIn(folder: string): Promise<Record<string, string>> {
  const helper = await compilePtyHelper(join(folder, 'helper'));
  if (helper === undefined) throw new Error('terminals need a C compiler');
  return { AGENT_PTY_HELPER: helper };
}

async function launcherIn(folder: string): Promise<Record<string, string>> {
  // Of this agent only: limits count a user's processes on the whole machine, and an agent that ends, ends them all.
  const uid = randomInt(10_000, 30_000) * 2;
  const launcher = await compileLauncher(join(folder, 'launcher'), uid + 1);
  if (launcher === undefined) throw new Error('the launcher needs a C compiler');
  const tables = join(folder, 'seccomp');
  await mkdir(tables);
  await writeSeccompTables(tables);
  return {
    AGENT_USER_UID: String(uid),
    AGENT_USER_GID: String(uid),
    AGENT_LAUNCHER: launcher,
    AGENT_SECCOMP: join(tables, `seccomp-${HOST_ARCHITECTURE}.bpf`),
  };
}
