/** Paths as E2B's callers write them: `~` is the home directory, and so is nothing. */
export function homePath(path: string): string {
  if (path === '~') return '.';
  return path.startsWith('~/') ? path.slice(2) || '.' : path || '.';
}
