/** A local stack with what the trials reach it by. It can be begun anew, when a trial left it as no tidying mends. */
import { type Control, controlOf } from './control.ts';
import { functionNamed } from './names.ts';
import { type OperatorWork, operatorOf } from './operator.ts';
import { type Stack, startStack } from './stack.ts';
import { tidy, worldOf } from './world.ts';

/** On two busy cores a pool of two is full again within 10 s; of a launch that died its seat is free after 20. */
const TIDY_MS = 60_000;

export interface Parts {
  readonly stack: Stack;
  readonly control: Control;
  readonly operator: OperatorWork;
}

export interface Deployment {
  /** Of the stack that runs now. */
  readonly parts: () => Parts;
  /** Nothing of a trial is left after it. */
  readonly clean: () => Promise<void>;
}

export async function startDeployment(
  progress: (line: string) => void,
): Promise<Deployment & AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  let stack = undo.use(await startStack(progress));
  let parts = await partsOf(stack);
  undo.move();
  return {
    parts: () => parts,
    async clean() {
      const cleaned = clean(parts).then(() => true);
      if (await cleaned.catch(() => false)) return;
      progress('a trial left what no tidying mends: the stack begins anew');
      await stack[Symbol.asyncDispose]();
      stack = await startStack(progress);
      parts = await partsOf(stack);
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

/** Where one does not start, `cleanup` ends those that did. */
export async function startAll<T extends AsyncDisposable>(
  count: number,
  start: () => Promise<T>,
  cleanup: AsyncDisposableStack,
): Promise<readonly T[]> {
  const started = Array.from({ length: count }, async () => cleanup.use(await start()));
  await Promise.allSettled(started);
  return Promise.all(started);
}

/** A stack that somebody else has started. */
export async function deploymentOf(stack: Stack): Promise<Deployment> {
  const parts = await partsOf(stack);
  return { parts: () => parts, clean: () => clean(parts) };
}

async function clean(parts: Parts): Promise<void> {
  await parts.control.restore();
  await tidy(worldOf(parts, AbortSignal.timeout(TIDY_MS)));
}

async function partsOf(stack: Stack): Promise<Parts> {
  const control = controlOf(stack);
  return { stack, control, operator: await operatorOf(control, functionNamed) };
}
