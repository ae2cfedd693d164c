/** The checks as a person reads them: a line each, what to do under it, the verdict last. */
import type { Check } from './check.ts';

const INDENT = ' '.repeat(35);

export function reportOf(checks: readonly Check[]): string {
  const lines = checks.flatMap(({ name, state, text, remedy }) => [
    `${state.padEnd(4)}  ${name.padEnd(28)} ${text}`,
    ...(remedy === undefined ? [] : [`${INDENT}→ ${remedy}`]),
  ]);
  const count = (state: Check['state']) => checks.filter((check) => check.state === state).length;
  const verdict = count('fail') === 0 ? 'Ready to deploy' : `Not ready: ${count('fail')} failed`;
  const more = count('warn') > 0 ? `, ${count('warn')} to know of` : '';
  return `${[...lines, `${verdict}${more}.`].join('\n')}\n`;
}
