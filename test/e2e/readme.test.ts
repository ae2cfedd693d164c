/** What the README shows is what runs. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { target } from '../helpers/api.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

test.each([
  ['example', 'quickstart', /^step 1\nstep 2\nstep 3\nvalue 45\nok in \d+ ms\n$/],
  ['example:run-once', 'run-once', /^ok 2 rows\nitem,net,gross\npen,2,2\.4\nbook,10,12\.0\n\n$/],
])(
  "the README's `npm run %s` runs its snippet of %s, which prints what it should",
  async (script, name, prints) => {
    const document = read('README.md');
    const snippets = [...document.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text]) => text);
    expect(snippets).toContain(read(`examples/${name}.ts`));
    expect(document).toContain(`\`npm run ${script}\``);
    const { stdout } = await promisify(execFile)('npm', ['run', '--silent', script], {
      cwd: fileURLToPath(root),
      env: {
        PATH: process.env['PATH'] ?? '',
        CODE_INTERPRETER_BASE_URL: target.baseUrl,
        CODE_INTERPRETER_API_KEY: target.apiKey,
      },
    });
    expect(stdout).toMatch(prints);
  },
);

test("the README's curl runs code in what was deployed", async () => {
  const blocks = [...read('README.md').matchAll(/```sh\n([\s\S]*?)```/g)].map(
    ([, text]) => text ?? '',
  );
  const block = blocks.find((text) => text.includes('api()')) ?? '';
  // The lines before make the key, which a test has.
  const lines = block.slice(block.indexOf('api()'));
  const { stdout } = await promisify(execFile)('bash', ['-euc', lines], {
    env: {
      PATH: process.env['PATH'] ?? '',
      CODE_INTERPRETER_BASE_URL: target.baseUrl,
      CODE_INTERPRETER_API_KEY: target.apiKey,
    },
  });
  expect(stdout).toContain('"stdout":"42\\n"');
  expect(stdout).toMatch(/"status":"stopp(ing|ed)"/);
});

test('every command that the README names is there', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  for (const [, name] of read('README.md').matchAll(/npm run (?:-s )?([a-z:-]+)/g))
    expect(Object.keys(scripts)).toContain(name);
});

test('every link of a document leads to a file', () => {
  for (const document of ['README.md', 'CONTRIBUTING.md']) {
    for (const [, link] of read(document).matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      expect(() => readFileSync(new URL(link ?? '', root))).not.toThrow(/ENOENT/);
    }
  }
});
