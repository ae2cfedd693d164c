/** What is known of a file, as the E2B wire tells it. */
import type { FileEntry } from '../../../contract/agent/files.ts';

const TYPES = {
  file: 'FILE_TYPE_FILE',
  directory: 'FILE_TYPE_DIRECTORY',
  symlink: 'FILE_TYPE_SYMLINK',
  other: 'FILE_TYPE_UNSPECIFIED',
} as const;
const LETTERS = { file: '-', directory: 'd', symlink: 'L', other: '?' } as const;

export function project(entry: FileEntry): object {
  const { name, path, type, sizeBytes, modifiedAt, target, owner, group } = entry;
  const mode = Number.parseInt(entry.mode, 8);
  return {
    name,
    path,
    type: TYPES[type],
    size: String(sizeBytes),
    mode,
    permissions: LETTERS[type] + permissionsOf(mode),
    owner,
    group,
    modifiedTime: modifiedAt,
    ...(target === undefined ? {} : { symlinkTarget: target }),
  };
}

const permissionsOf = (mode: number): string =>
  Array.from('rwxrwxrwx', (letter, at) => (mode & (0o400 >> at) ? letter : '-')).join('');
