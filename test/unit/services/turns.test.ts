import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Turns } from '../../../local/shared/turns.ts';

test('never more than so many run at once, all run in their order, failures too', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
      fc.scheduler(),
      async (atOnce, fails, scheduler) => {
        const turns = new Turns(atOnce);
        const begun: number[] = [];
        let running = 0;
        let most = 0;
        const all = fails.map((isFailing, index) =>
          turns.run(async () => {
            begun.push(index);
            running += 1;
            most = Math.max(most, running);
            await scheduler.schedule(Promise.resolve());
            running -= 1;
            if (isFailing) throw new Error('as asked');
          }),
        );
        const ended = Promise.allSettled(all);
        await scheduler.waitFor(ended);
        const outcomes = (await ended).map(({ status }) => status === 'rejected');
        expect(outcomes).toEqual(fails);
        expect(begun).toEqual(fails.map((_, index) => index));
        expect(most).toBe(Math.min(atOnce, fails.length));
      },
    ),
  );
});
