/** Stacks that start at once: where one does not, none is left running. */
import { expect, it } from 'vitest';
import { startAll } from '../../../verify/grants/deployment.ts';

it('where one does not start, those that do so after it are ended', async () => {
  const ended: number[] = [];
  let begun = 0;
  const start = async () => {
    const n = begun++;
    if (n === 0) throw new Error('no port');
    await new Promise((resolve) => setTimeout(resolve, 10 * n));
    return { [Symbol.asyncDispose]: async () => void ended.push(n) };
  };
  const run = async () => {
    await using cleanup = new AsyncDisposableStack();
    await startAll(3, start, cleanup);
  };
  await expect(run()).rejects.toThrow('no port');
  expect(new Set(ended)).toEqual(new Set([1, 2]));
});
