/** Paths as E2B's callers write them: `~` is the home directory, and so is nothing. */
export function homePath(path: string | undefined): string {
  if (path === undefined || path === '~') return '.';
  return path.startsWith('~/') ? path.slice(2) || '.' : path || '.';
}
