import { expect, test } from 'vitest';
import * as here from '../../../sdk/typescript/src/errors.ts';

test('instanceof holds across two copies of the package, each way', async () => {
  // The query makes a second module instance of the same file.
  const again: string = '../../../sdk/typescript/src/errors.ts?copy';
  const copy = (await import(again)) as typeof here;
  expect(copy.ConnectionError).not.toBe(here.ConnectionError);
  const theirs = new copy.ConnectionError('lost');
  expect(theirs instanceof here.ConnectionError).toBe(true);
  expect(theirs instanceof here.CodeInterpreterError).toBe(true);
  expect(theirs instanceof Error).toBe(true);
  const refused = new here.CodeInterpreterError('NOT_FOUND', 'none');
  expect(refused instanceof copy.CodeInterpreterError).toBe(true);
  expect(refused instanceof copy.ConnectionError).toBe(false);
});

test('nothing else is an instance, and a subclass keeps its own meaning', () => {
  class Mine extends here.CodeInterpreterError {}
  for (const value of [null, undefined, 1, 'CodeInterpreterError', {}, new Error('x')]) {
    expect(value instanceof here.CodeInterpreterError).toBe(false);
  }
  expect(new here.CodeInterpreterError('NOT_FOUND', 'none') instanceof Mine).toBe(false);
  expect(new Mine('NOT_FOUND', 'none') instanceof here.CodeInterpreterError).toBe(true);
});
