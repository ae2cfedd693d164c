/** What makes two requests the same, and which keys are taken. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { requestSha256 } from '../../../core/account/idempotency.ts';
import { idempotencyKeyOf } from '../../../lambdas/shared/idempotency-key.ts';
import { digest } from '../../../lambdas/shared/system.ts';

const hashOf = (body: unknown, params: unknown = {}) => requestSha256(digest, { params, body });

const request = (key?: string, body: unknown = { code: '1' }) => ({
  params: { sandboxId: 'sb' },
  body,
  header: (name: string) => (name === 'idempotency-key' ? key : undefined),
});

/** The same value with the fields of every object in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, reversed(inner)]),
  );
}

test('the order of fields makes no other request', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (body) => {
      expect(hashOf(reversed(body))).toBe(hashOf(body));
    }),
  );
});

test('another value, another order of a list, another path make another request', () => {
  const hashes = [
    hashOf({ code: '1' }),
    hashOf({ code: '2' }),
    hashOf({ code: '1', env: {} }),
    hashOf({ code: ['a', 'b'] }),
    hashOf({ code: ['b', 'a'] }),
    hashOf({ code: '1' }, { sandboxId: 'other' }),
  ];
  expect(new Set(hashes).size).toBe(hashes.length);
});

test('a key is 1 to 255 visible characters of ASCII, or none at all', () => {
  expect(idempotencyKeyOf('executeCode', request())).toBeUndefined();
  for (const key of ['a', '~!'.repeat(100), 'x'.repeat(255)]) {
    expect(idempotencyKeyOf('executeCode', request(key))).toMatchObject({ key });
  }
  for (const key of ['', ' ', 'a b', 'x'.repeat(256), 'é', 'a\u0000']) {
    expect(() => idempotencyKeyOf('executeCode', request(key))).toThrow(/Idempotency-Key must be/);
  }
});
