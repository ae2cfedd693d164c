/** What is wrong in a body is refused in one closed shape, by its name, and makes nothing. */

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ErrorCode } from '../../contract/errors.ts';
import { api, type Call, createSandbox, type TestSandbox } from '../helpers/api.ts';
import { expectRefusal } from '../helpers/refusals.ts';

const MIB = 1024 * 1024;

type Row = readonly [what: string, call: Call, code: ErrorCode, field?: string];

const marker = `bad-input-${randomUUID()}`;
const valid = { runtime: 'python', metadata: { run: marker } };
const json = (body: unknown): Call => ({ body });
const text = (raw: string): Call => ({ method: 'POST', raw });
const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`f ${i}`, i]));

/** Wrong in every operation that takes a body. */
const BODIES: readonly Row[] = [
  ['malformed JSON', text('{"runtime":"python"'), 'VALIDATION_ERROR', '(whole)'],
  ['no body at all', text(''), 'VALIDATION_ERROR', '(whole)'],
  ['a body that is no object', text('"python"'), 'VALIDATION_ERROR', '(whole)'],
  ['null', text('null'), 'VALIDATION_ERROR', '(whole)'],
  [
    'bytes that are not UTF-8',
    { method: 'POST', raw: Uint8Array.from([0x7b, 0x22, 0xff, 0x22]) },
    'VALIDATION_ERROR',
    '(whole)',
  ],
  ['nesting without end', text(deep(500_000)), 'VALIDATION_ERROR', '(whole)'],
  [
    'another media type',
    { ...json(valid), headers: { 'Content-Type': 'text/plain' } },
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  ['a body over 4 MiB', text(`"${'x'.repeat(4 * MIB)}"`), 'PAYLOAD_TOO_LARGE'],
  ['a body over what Lambda takes', text(`"${'x'.repeat(5 * MIB)}"`), 'PAYLOAD_TOO_LARGE'],
];

describe('createSandbox refuses', () => {
  const rows: readonly Row[] = [
    ...BODIES,
    ['a missing field', json({ metadata: valid.metadata }), 'VALIDATION_ERROR', 'runtime'],
    ['an unknown field', json({ ...valid, runtme: 1 }), 'VALIDATION_ERROR', 'runtme'],
    [
      'an unknown field further in',
      json({ ...valid, network: { access: 'none', acces: 1 } }),
      'VALIDATION_ERROR',
      'network.acces',
    ],
    ['a wrong type', json({ ...valid, lifetimeMs: '60000' }), 'VALIDATION_ERROR', 'lifetimeMs'],
    ['a fraction', json({ ...valid, lifetimeMs: 60_000.5 }), 'VALIDATION_ERROR', 'lifetimeMs'],
    [
      'a number over its limit',
      json({ ...valid, lifetimeMs: 86_400_001 }),
      'VALIDATION_ERROR',
      'lifetimeMs',
    ],
    [
      'a number under its limit',
      json({ ...valid, lifetimeMs: 0 }),
      'VALIDATION_ERROR',
      'lifetimeMs',
    ],
    [
      'a number that is none',
      text(`{"runtime":"python","metadata":{"run":"${marker}"},"lifetimeMs":1e999}`),
      'VALIDATION_ERROR',
      'lifetimeMs',
    ],
    ['a runtime that is none', json({ ...valid, runtime: 'cobol' }), 'VALIDATION_ERROR', 'runtime'],
    [
      'a name that is too long',
      json({ ...valid, name: 'n'.repeat(129) }),
      'VALIDATION_ERROR',
      'name',
    ],
    ['bad names of env', json({ ...valid, env: { 'A B': '1' } }), 'VALIDATION_ERROR', 'env.A B'],
    ['NUL in env', json({ ...valid, env: { A: 'a\0b' } }), 'VALIDATION_ERROR', 'env.A'],
    ['too much env', json({ ...valid, env: { A: 'x'.repeat(32_769) } }), 'VALIDATION_ERROR', 'env'],
    [
      'a name that JavaScript gives a meaning',
      text(`{"runtime":"python","metadata":{"run":"${marker}","__proto__":"x"}}`),
      'VALIDATION_ERROR',
      'metadata.__proto__',
    ],
    [
      'very many wrong fields, by a small answer',
      json({ runtime: 'python', metadata: { run: marker, ...many(20_000) } }),
      'VALIDATION_ERROR',
      'metadata.f 0',
    ],
    [
      'a network that there is not',
      json({ ...valid, network: { access: 'lan' } }),
      'VALIDATION_ERROR',
      'network.access',
    ],
  ];

  for (const [what, call, code, field] of rows)
    test(what, async () => {
      expectRefusal(await api('/sandboxes', call), code, field);
    });

  afterAll(async () => {
    const listed = await api(`/sandboxes?metadata.run=${marker}`);
    expect(listed.json.data.items).toEqual([]);
  });
});

describe('executeCode refuses', () => {
  let sandbox: TestSandbox;
  beforeAll(async () => {
    sandbox = await createSandbox();
  });
  afterAll(async () => {
    // What is refused only in its sandbox stood in the list for half a second.
    const items = async () => (await api(`/sandboxes/${sandbox.id}/executions`)).json.data.items;
    await vi.waitFor(async () => expect(await items()).toEqual([]));
    await sandbox[Symbol.asyncDispose]();
  });

  const rows: readonly Row[] = [
    ...BODIES,
    ['no code', json({}), 'VALIDATION_ERROR', 'code'],
    ['code that is no text', json({ code: 1 }), 'VALIDATION_ERROR', 'code'],
    ['code over 1 MiB', json({ code: `#${'x'.repeat(MIB)}` }), 'CODE_TOO_LARGE', 'code'],
    [
      'code over 1 MiB in bytes, not characters',
      json({ code: '€'.repeat(MIB / 2) }),
      'CODE_TOO_LARGE',
      'code',
    ],
    ['another language', json({ code: '1', language: 'ruby' }), 'VALIDATION_ERROR', 'language'],
    ['too long a run', json({ code: '1', timeoutMs: 1_800_001 }), 'VALIDATION_ERROR', 'timeoutMs'],
    ['too short a run', json({ code: '1', timeoutMs: 99 }), 'VALIDATION_ERROR', 'timeoutMs'],
    ['an empty directory', json({ code: '1', cwd: '' }), 'VALIDATION_ERROR', 'cwd'],
    ['a directory with NUL', json({ code: '1', cwd: '/tmp\0' }), 'VALIDATION_ERROR', 'cwd'],
    ['an unknown field', json({ code: '1', contextId: 'x' }), 'VALIDATION_ERROR', 'contextId'],
    [
      'stdin over 1 MiB in bytes, not characters',
      json({ code: '1', stdin: '€'.repeat(MIB / 2) }),
      'PAYLOAD_TOO_LARGE',
      'stdin',
    ],
  ];

  for (const [what, call, code, field] of rows)
    test(what, async () => {
      expectRefusal(await api(`/sandboxes/${sandbox.id}/execute`, call), code, field);
    });
});
