/** What a caller reads when something it sent is wrong: the field, the value got, what is allowed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../contract/errors.ts';
import { parse } from '../../../contract/parse.ts';
import { CreateSandboxBody } from '../../../contract/rest/sandboxes.ts';
import { RuntimeName } from '../../../contract/runtimes.ts';

function problemsOf(input: unknown) {
  try {
    parse(CreateSandboxBody, input, 'body');
  } catch (error) {
    if (error instanceof AppError) return { message: error.message, ...error.details };
    throw error;
  }
  throw new Error('it was accepted');
}

const runtimes = RuntimeName.options.join(', ');

/** Deeper than the stack of any recursion. */
function deep(levels = 200_000): unknown {
  return JSON.parse('['.repeat(levels) + ']'.repeat(levels));
}

describe('a refusal', () => {
  test('names the field, the value got and what is allowed', () => {
    expect(problemsOf({ runtime: 'ruby' })).toEqual({
      message: `body: runtime must be one of ${runtimes}, got "ruby"`,
      in: 'body',
      problems: [{ field: 'runtime', problem: `must be one of ${runtimes}, got "ruby"` }],
    });
    expect(problemsOf({ runtime: 'python', lifetimeMs: 1.5 })).toMatchObject({
      message: 'body: lifetimeMs must be a whole number, got 1.5',
    });
    expect(problemsOf({ runtime: 'python', network: { access: 'none', allow: [] } })).toMatchObject(
      { message: 'body: network.allow is not a known field' },
    );
  });

  test('says of a missing field what it could be', () => {
    expect(problemsOf({})).toMatchObject({
      message: `body: runtime is required: one of ${runtimes}`,
    });
  });

  test('names each field once, by what is wrong first', () => {
    expect(problemsOf({ runtime: 'python', name: [] })).toMatchObject({
      problems: [{ field: 'name', problem: 'must be a string, got an array' }],
    });
  });

  test('shows numbers that JSON cannot', () => {
    expect(problemsOf({ runtime: 'python', lifetimeMs: JSON.parse('1e400') })).toMatchObject({
      message: 'body: lifetimeMs must be a number, got Infinity',
    });
  });

  test('never repeats a value that may be secret or code', () => {
    const told = problemsOf({ runtime: 'python', env: { TOKEN: 5, KEY: 'se\0cret' } });
    expect(JSON.stringify(told)).not.toContain('cret');
    expect(told).toMatchObject({ problems: [{ field: 'env.TOKEN' }, { field: 'env.KEY' }] });
  });

  test.each([
    ['deep nesting', deep()],
    ['deep nesting in a field', { runtime: deep() }],
    ['deep nesting in a map', { runtime: 'python', metadata: { a: deep() } }],
    [
      'very many fields',
      Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`f${i}`, 1])),
    ],
    [
      'very many wrong values',
      {
        runtime: 'python',
        metadata: Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`f ${i}`, i])),
      },
    ],
    ['a very long name', { runtime: 'python', ['x'.repeat(1_000_000)]: 1 }],
    ['a very long value', { runtime: 'x'.repeat(1_000_000) }],
  ])('stays small for %s', (_, input) => {
    const told = problemsOf(input);
    expect(JSON.stringify(told).length).toBeLessThan(8_192);
    expect(told).toMatchObject({ in: 'body', problems: expect.any(Array) });
  });

  test('says how many problems it leaves out', () => {
    const fields = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, 1]));
    const told = problemsOf({ runtime: 'python', ...fields });
    expect(told).toMatchObject({ problems: { length: 20 }, omittedProblems: 80 });
  });
});

test('any JSON is accepted or refused, by small answers only', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (input) => {
      try {
        parse(CreateSandboxBody, input, 'body');
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
        expect(JSON.stringify(error).length).toBeLessThan(8_192);
      }
    }),
  );
});
