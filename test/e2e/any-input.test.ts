/** Whatever JSON is sent, the answer is one of the envelope's two shapes and never a failure of ours. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, api, createSandbox, type TestSandbox } from '../helpers/api.ts';
import { expectRefusal } from '../helpers/refusals.ts';

const RUNS = 60;

/** Any JSON at all, or an object whose fields have the right names more often than the right values. */
const bodyWith = (fields: readonly string[]) =>
  fc.oneof(
    fc.jsonValue(),
    fc.dictionary(
      fc.oneof(fc.constantFrom(...fields), fc.string()),
      fc.oneof(
        fc.jsonValue(),
        fc.constantFrom('none', '1', 0, -1, 1e308, '\0', '\ud800', 'x'.repeat(5_000)),
      ),
      { maxKeys: 6 },
    ),
  );

/** What no JSON serializer writes: cut, with bytes changed. */
const brokenBody = fc
  .tuple(fc.json(), fc.nat(), fc.integer({ min: 0, max: 255 }))
  .map(([text, at, byte]) => {
    const bytes = new TextEncoder().encode(`{"runtime":${text}`);
    bytes[at % bytes.length] = byte;
    return bytes;
  });

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await createSandbox();
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const refused = (answer: Answer) => expectRefusal(answer, answer.json.error.code);

test('createSandbox refuses any JSON without a runtime of ours', async () => {
  const fields = ['runtime', 'lifetimeMs', 'env', 'metadata', 'network', 'name', '__proto__'];
  await fc.assert(
    fc.asyncProperty(bodyWith(fields), async (body) => {
      const answer = await api('/sandboxes', { method: 'POST', raw: JSON.stringify(body) });
      refused(answer);
      expect(answer.status).toBe(400);
    }),
    { numRuns: RUNS },
  );
});

test('executeCode runs or refuses any JSON', async () => {
  const fields = ['code', 'language', 'timeoutMs', 'env', 'cwd', 'stdin', '__proto__'];
  await fc.assert(
    fc.asyncProperty(bodyWith(fields), async (body) => {
      const raw = JSON.stringify(body);
      const answer = await api(`/sandboxes/${sandbox.id}/execute`, { method: 'POST', raw });
      if (answer.status === 200)
        expect(answer.json).toMatchObject({ success: true, data: { status: 'finished' } });
      else refused(answer);
    }),
    { numRuns: RUNS },
  );
});

test('both refuse bytes that are no JSON', async () => {
  await fc.assert(
    fc.asyncProperty(brokenBody, async (raw) => {
      refused(await api('/sandboxes', { method: 'POST', raw }));
      refused(await api(`/sandboxes/${sandbox.id}/execute`, { method: 'POST', raw }));
    }),
    { numRuns: RUNS },
  );
});

test('an id may be any text', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1 }), async (text) => {
      const id = encodeURIComponent(text);
      if (/^(\.|%2e){1,2}$/i.test(id)) return;
      for (const path of [`/sandboxes/${id}`, `/executions/${id}`, `/executions/${id}/events`])
        refused(await api(path));
    }),
    { numRuns: RUNS },
  );
});
