/** Interrupts at their worst moments: before the code's first line, amid parsing, amid a frame, at the end. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formOf, startAgent, type TestAgent } from '../../helpers/agent.ts';

/** An interrupt comes before its end, and while the parser's stack is deep. */
const LONG_TO_PARSE = `${'['.repeat(1000)}${'1,'.repeat(250_000)}${']'.repeat(1000)}`;

const untilThen = (ms: number) =>
  `const end = performance.now() + ${ms}; while (performance.now() < end);`;

/** `busy` ends by itself, after some milliseconds. */
const languages = {
  python: {
    set: 'kept = 7',
    show: 'print(kept)',
    endless: {
      waits: 'import time; time.sleep(60)',
      shows: 'while True: display(7)',
    },
    busy: (ms: number) =>
      `import time; end = time.monotonic() + ${ms} / 1000\nwhile time.monotonic() < end: pass`,
  },
  javascript: {
    set: 'kept = 7',
    show: 'console.log(kept)',
    endless: {
      computes: 'for (;;);',
      waits: 'await new Promise(() => {})',
      listens: 'process.on("SIGINT", () => {}); for (;;);',
      shows: 'for (;;) display.html("<b>")',
      'is shown for ever': '({ [Symbol.for("nodejs.util.inspect.custom")]() { for (;;); } })',
    },
    busy: untilThen,
  },
  typescript: {
    set: 'kept = 7',
    show: 'console.log(kept)',
    endless: { computes: 'for (;;);', parses: LONG_TO_PARSE },
    busy: (ms: number) => `type T = number; ${untilThen(ms)}`,
  },
  bash: {
    set: 'kept=7',
    show: 'echo $kept',
    endless: { waits: 'sleep 60', prints: 'while :; do echo x; done' },
    busy: (ms: number) => `sleep ${ms / 1000}`,
  },
};

let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent();
});
afterAll(() => agent[Symbol.asyncDispose]());

describe.each(Object.entries(languages))('a context of %s keeps its state', (language, its) => {
  async function interruptEach(codes: readonly string[], outcomes: readonly string[]) {
    await agent.run(its.set, { language });
    for (const [index, code] of codes.entries()) {
      const id = await agent.start(code, { language });
      // The first as early as can be.
      await new Promise((resolve) => setTimeout(resolve, index % 10));
      await agent.call('POST', `/executions/${id}/interrupt`);
      const { error, finished } = await agent.result(id);
      expect(outcomes, error?.value).toContain(finished.outcome);
      // Not by an interrupt of the one before.
      expect((await agent.run(its.busy(1), { language })).finished.outcome).toBe('ok');
    }
    expect((await agent.run(its.show, { language })).stdout).toBe('7\n');
  }

  it.each(Object.entries(its.endless))('where code that %s is interrupted', async (_, code) => {
    await interruptEach(Array<string>(10).fill(code), ['interrupted']);
  });

  it('where code ends when the interrupt comes', async () => {
    const codes = Array.from({ length: 60 }, (_, index) => its.busy((index % 20) / 2));
    await interruptEach(codes, ['interrupted', 'ok']);
  });
});

it('a module whose loading was interrupted is loaded anew', async () => {
  const run = (code: string, timeoutMs = 5000) =>
    agent.run(code, { language: 'javascript', timeoutMs });
  await run(`require('node:fs').writeFileSync('slow.js', \`
    exports.first = 1;
    if (!globalThis.again) for (;;);
    exports.last = 2;
  \`)`);
  expect((await run('require("./slow.js")', 200)).finished.outcome).toBe('timeout');
  const { results } = await run('again = true; require("./slow.js")');
  expect(formOf(results[0])).toBe('{ first: 1, last: 2 }');
});
