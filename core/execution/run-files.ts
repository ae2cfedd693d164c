/** The files of a run: written before its code, read after it as far as one answer takes them. */
import { AppError, isRetryable } from '../../contract/errors.ts';
import type { SandboxId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { RunFile, RunFileIn } from '../../contract/rest/run.ts';
import type { Caller } from '../account/caller.ts';
import { readFile, writeFile } from '../files/files.ts';

type FilesDeps = Parameters<typeof readFile>[0];

/** One after another: a run is no reason to take many places of a deployment's functions. */
export async function writeRunFiles(
  deps: FilesDeps,
  { sandboxId, files }: { sandboxId: SandboxId; files: readonly RunFileIn[] },
  caller: Caller,
): Promise<void> {
  for (const { path, text, base64 } of files) {
    const bytes = base64 === undefined ? new TextEncoder().encode(text) : fromBase64(base64);
    await writeFile(deps, { sandboxId, path, bytes, headers: {} }, caller);
  }
}

/** Never fails: what cannot be read is told, each for itself. */
export async function readRunFiles(
  deps: FilesDeps & { readonly onError: (what: string, error: unknown) => void },
  { sandboxId, paths }: { sandboxId: SandboxId; paths: readonly string[] },
  caller: Caller,
): Promise<RunFile[]> {
  let left: number = LIMITS.runFilesBytes;
  const files: RunFile[] = [];
  for (const path of paths) {
    try {
      const input = { sandboxId, path, headers: {}, maxBytes: left };
      const { bytes } = await readFile(deps, input, caller);
      left -= bytes.length;
      files.push({ path, state: 'read', ...contentOf(bytes) });
    } catch (error) {
      if (!(error instanceof AppError)) deps.onError('a file of a run not read', error);
      files.push({ path, ...unread(error) });
    }
  }
  return files;
}

function unread(error: unknown): Pick<RunFile, 'state' | 'problem'> {
  // Nothing says that it is not there, or will not be in a moment.
  if (!(error instanceof AppError) || isRetryable(error.code)) return { state: 'kept' };
  switch (error.code) {
    case 'FILE_TOO_LARGE':
      return { state: 'kept' };
    case 'SANDBOX_GONE':
    case 'SANDBOX_NOT_FOUND':
    case 'INVALID_SANDBOX_STATE':
      return { state: 'gone' };
    default:
      return { state: 'missing', problem: { code: error.code, message: error.message } };
  }
}

/** A mark of the byte order is a part of the file. */
const UTF8 = { fatal: true, ignoreBOM: true } as const;

function contentOf(bytes: Uint8Array): Pick<RunFile, 'text' | 'base64'> {
  try {
    return { text: new TextDecoder('utf-8', UTF8).decode(bytes) };
  } catch {
    return { base64: toBase64(bytes) };
  }
}

const fromBase64 = (base64: string): Uint8Array =>
  Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0));

const CHUNK = 32_768;

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += CHUNK)
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(binary);
}
