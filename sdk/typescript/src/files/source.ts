/** What can be uploaded, as a Blob: the one form that knows its size, can be read twice and need not be in memory. */
import type * as Fs from 'node:fs';
import { builtin, isNode } from '../config.ts';
import { CodeInterpreterError } from '../errors.ts';

/** Bytes of any kind. A stream is gathered first, since its size must be known. */
export type FileData = Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array>;

export async function blobOf(data: FileData): Promise<Blob> {
  if (data instanceof Blob) return data;
  if (data instanceof ReadableStream) return new Response(data).blob();
  return new Blob([data instanceof Uint8Array ? new Uint8Array(data) : data]);
}

/** A file of this machine, which is read as it is sent. */
export async function localBlob(path: string): Promise<Blob> {
  if (!isNode()) throw notNode();
  const { openAsBlob } = await builtin<typeof Fs>('node:fs');
  return openAsBlob(path);
}

/** Whole or not at all: written beside and renamed. */
export async function writeLocal(
  path: string,
  write: (take: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  if (!isNode()) throw notNode();
  const { promises } = await builtin<typeof Fs>('node:fs');
  const beside = `${path}.${Math.random().toString(36).slice(2)}.part`;
  const file = await promises.open(beside, 'wx');
  try {
    await write((bytes) => file.writeFile(bytes));
    await file.close();
    await promises.rename(beside, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await promises.rm(beside, { force: true });
    throw error;
  }
}

const notNode = () =>
  new CodeInterpreterError('NOT_SUPPORTED', 'A path of this machine can be given in Node only.');
