/**
 * Puts names in an order in which each stands after what it depends on; otherwise the given order is kept.
 * Names outside the given set are ignored: they stand already, or were left out by a condition.
 */
import { AssemblyError } from './errors.ts';

export function inDependencyOrder(
  names: readonly string[],
  dependenciesOf: (name: string) => Iterable<string>,
): string[] {
  const known = new Set(names);
  const done = new Set<string>();
  const path: string[] = [];
  const order: string[] = [];
  const visit = (name: string): void => {
    if (done.has(name) || !known.has(name)) return;
    const start = path.indexOf(name);
    if (start !== -1)
      throw new AssemblyError(`circular dependency: ${[...path.slice(start), name].join(' → ')}`);
    path.push(name);
    for (const dependency of dependenciesOf(name)) visit(dependency);
    path.pop();
    done.add(name);
    order.push(name);
  };
  for (const name of names) visit(name);
  return order;
}
