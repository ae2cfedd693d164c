/**
 * The package's type declarations: those of its exports and of all that they name, contract and
 * zod's own among them, so that the package needs no other. Run by build.ts.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);
const packageRoot = (name: string) => dirname(require.resolve(`${name}/package.json`));
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where a declaration was found → where it goes. */
interface Home {
  readonly from: string;
  readonly to: string;
}

/** Writes `index.d.ts`, and what it reaches, into a folder. */
export async function writeDeclarations(folder: string): Promise<void> {
  const emitted = await mkdtemp(join(tmpdir(), 'sdk-types-'));
  try {
    const tsc = join(packageRoot('typescript'), 'lib/tsc.js');
    const project = ['-p', here('tsconfig.types.json'), '--outDir', emitted];
    await promisify(execFile)(process.execPath, [tsc, ...project]);
    const homes = [
      { from: join(emitted, 'sdk/typescript/src'), to: folder },
      { from: join(emitted, 'contract'), to: join(folder, 'contract') },
      { from: packageRoot('zod'), to: join(folder, 'zod') },
    ];
    await carry(join(emitted, 'sdk/typescript/src/index.d.ts'), homes);
  } finally {
    await rm(emitted, { recursive: true });
  }
}

async function carry(entry: string, homes: readonly Home[]): Promise<void> {
  const reached = new Set([entry]);
  // A set is walked in the order of what is added, also while it is walked.
  for (const path of reached) {
    const text = await readFile(path, 'utf8');
    const target = targetOf(path, homes);
    const carried = text.replace(
      /(from |import\()(['"])([^'"]+)\2/g,
      (_, keyword: string, quote: string, name: string) => {
        const found = declarationOf(name, path);
        reached.add(found);
        return `${keyword}${quote}${specifier(target, targetOf(found, homes))}${quote}`;
      },
    );
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, carried);
  }
}

function declarationOf(name: string, importer: string): string {
  const path = name.startsWith('.')
    ? resolve(dirname(importer), name)
    : join(packageRoot('zod'), name.replace(/^zod\/?/, ''), 'index.js');
  return path.replace(/\.(js|ts)$/, '.d.ts');
}

function targetOf(path: string, homes: readonly Home[]): string {
  const home = homes.find(({ from }) => path.startsWith(from + sep));
  if (!home) throw new Error(`The declarations reach ${path}, which is not part of the package.`);
  return join(home.to, relative(home.from, path));
}

function specifier(importer: string, target: string): string {
  const path = relative(dirname(importer), target)
    .replaceAll(sep, '/')
    .replace(/\.d\.ts$/, '.js');
  return path.startsWith('.') ? path : `./${path}`;
}
