/** Interrupts at their worst moments: before the code's first line, amid its parsing, amid a frame. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId, startAgent, type TestAgent } from '../../helpers/agent.ts';

const TIMES = 10;
/** An interrupt comes before its end, and while the parser's stack is deep. */
const LONG_TO_PARSE = `${'['.repeat(1000)}${'1,'.repeat(250_000)}${']'.repeat(1000)}`;

let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent();
});
afterAll(() => agent[Symbol.asyncDispose]());

describe.each([
  ['python', 'kept = 7', 'print(kept)'],
  ['javascript', 'kept = 7', 'console.log(kept)'],
  ['typescript', 'kept = 7', 'console.log(kept)'],
  ['bash', 'kept=7', 'echo $kept'],
])('a context of %s keeps its state', (language, set, show) => {
  const codes: Record<string, Record<string, string>> = {
    python: {
      waits: 'import time; time.sleep(60)',
      shows: 'while True: display(7)',
    },
    javascript: { waits: 'for (;;);', shows: 'for (;;) display.html("<b>")' },
    typescript: { waits: 'for (;;);', parses: LONG_TO_PARSE },
    bash: { waits: 'sleep 60', prints: 'while :; do echo x; done' },
  };

  it.each(Object.entries(codes[language] ?? {}))(
    'where code that %s is interrupted again and again',
    async (_, code) => {
      const contextId = newId('cx');
      await agent.call('POST', '/contexts', { contextId, language });
      const inIt = { contextId, language };
      await agent.run(set, inIt);
      for (let again = 0; again < TIMES; again += 1) {
        const id = await agent.start(code, inIt);
        // At first as early as can be.
        await new Promise((resolve) => setTimeout(resolve, again));
        await agent.call('POST', `/executions/${id}/interrupt`);
        const { error, finished } = await agent.result(id);
        expect(finished.outcome, error?.value).toBe('interrupted');
      }
      expect((await agent.run(show, inIt)).stdout).toBe('7\n');
    },
  );
});
