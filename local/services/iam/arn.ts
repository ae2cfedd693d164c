/** ARNs against patterns: each of the six parts is compared by itself, so a wildcard never crosses a colon. */
import { isLike } from '../shared/wildcards.ts';

const PARTS = 6;

function partsOf(arn: string): string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, PARTS - 1), parts.slice(PARTS - 1).join(':')];
}

export function isArnLike(pattern: string, arn: string): boolean {
  if (pattern === '*') return true;
  const [patterns, parts] = [partsOf(pattern), partsOf(arn)];
  return (
    patterns.length === parts.length &&
    patterns.every((part, index) => isLike(part, parts[index] ?? ''))
  );
}
