/** Code is found well formed or not without any of it being run, in each language. */
import { execFileSync } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Validation } from '../../../contract/agent/validation.ts';
import { startAgent, type TestAgent } from '../../helpers/agent.ts';

const hasIPython = (() => {
  try {
    execFileSync('/usr/bin/python3', ['-I', '-c', 'import IPython'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('validation', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent();
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  const validate = async (language: string, code: string): Promise<Validation> => {
    const { status, body } = await agent.call('POST', '/validate', { language, code });
    expect([status, body]).toEqual([200, expect.anything()]);
    return Validation.parse(body);
  };

  it.each([
    ['python', ''],
    ['python', 'await f()\nasync for x in y: pass'],
    ['javascript', ''],
    ['javascript', 'import fs from "node:fs"\nawait fs\nconst a = 1'],
    ['typescript', 'enum E { A }\nconst a: number = await f<string>()'],
    ['bash', ''],
    ['bash', 'if [[ $a =~ b ]]; then echo "é"; fi'],
  ])('finds well formed %s: %s', async (language, code) => {
    expect(await validate(language, code)).toEqual({ valid: true, problems: [] });
  });

  it
    .skipIf(!hasIPython)
    .each(['%%bash\necho )', '!ls\nx = !ls\n%cd /', '  a = 1\n  b = 2', 'len?'])(
    'finds well formed what IPython runs: %s',
    async (code) => {
      expect(await validate('python', code)).toEqual({ valid: true, problems: [] });
    },
  );

  it.each([
    ['python', 'a = 1\nprint(a', 2, 6, 'never closed'],
    ['python', 'def f():\nreturn 1', 2, 1, 'IndentationError'],
    ['python', 'return 1', 1, 1, "'return' outside function"],
    ['python', 'a\nb\0', 2, 1, 'null bytes'],
    ['javascript', 'let a = 1\nlet b = ;', 2, 9, 'SyntaxError'],
    ['javascript', 'await a\nlet c = ;', 2, 9, 'SyntaxError'],
    ['typescript', 'let ok = 1\nlet a: = 4', 2, 8, 'SyntaxError'],
    ['typescript', 'let ok: number = 1\nlet b = (', 2, 1, 'SyntaxError'],
    ['bash', 'echo a\necho ) b', 2, 6, 'unexpected token'],
    ['bash', 'if true; then\n', 2, 1, 'end of file'],
    ['bash', 'echo\necho a\0', 2, 1, 'null bytes'],
  ])('tells where %s is not: %j', async (language, code, line, column, message) => {
    const { valid, problems } = await validate(language, code);
    expect(valid).toBe(false);
    expect(problems[0]).toMatchObject({ line, column, message: expect.stringContaining(message) });
  });

  it('runs none of it', async () => {
    const mark = join(agent.workspace, 'ran');
    await Promise.all([
      validate('python', `open("${mark}", "w")\n(`),
      validate('python', `%run x\n!touch ${mark}`),
      validate('javascript', `require("fs").writeFileSync("${mark}", "")`),
      validate('typescript', `require("fs").writeFileSync("${mark}", "")`),
      validate('bash', `touch ${mark}\na=$(touch ${mark})`),
    ]);
    await expect(access(mark)).rejects.toThrow('ENOENT');
  });

  it('ends in an answer, whatever the code is', async () => {
    for (const code of [
      '('.repeat(100_000),
      '-'.repeat(200_000),
      `${'a.'.repeat(300_000)}a`,
      'x'.repeat(1024 ** 2),
      '\ud800\u2028\r\r\n',
    ])
      for (const language of ['python', 'javascript', 'bash'])
        expect([200, 504]).toContain(
          (await agent.call('POST', '/validate', { language, code })).status,
        );
    expect(await validate('python', '1')).toEqual({ valid: true, problems: [] });
  }, 120_000);

  it('refuses code that is too large, and a language that is not here', async () => {
    const refused = async (body: unknown) => (await agent.call('POST', '/validate', body)).status;
    expect(await refused({ language: 'python', code: 'x'.repeat(1024 ** 2 + 1) })).toBe(413);
    expect(await refused({ language: 'cobol', code: '' })).toBe(400);
    expect(await refused({ language: 'python' })).toBe(400);
  });
});
