/**
 * `GET` and `POST /files` of the E2B wire: the bytes of files. A write is whole or not at all, and several
 * in one request are several writes. Must never buffer a file.
 */
import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import type { FileEntry } from '../../../contract/agent/files.ts';
import { AppError } from '../../../contract/errors.ts';
import { FileDraft } from '../files/file-draft.ts';
import { readOff } from '../files/pour.ts';
import { sendFile } from '../files/read-file.ts';
import type { Sandbox } from '../sandbox.ts';
import { mediaType } from '../server/cross-site.ts';
import { parseInput } from '../server/problems.ts';
import { allowSlowBody } from '../server/slow-body.ts';
import type { E2bExchange } from './exchange.ts';
import { boundaryOf, MultipartParser } from './multipart.ts';
import { E2bPath } from './paths.ts';

export async function readFile({ sandbox, request, response, query }: E2bExchange): Promise<void> {
  const path = parseInput(E2bPath, query.get('path') ?? '');
  await sendFile(sandbox.files, { request, response, path, maxBytes: undefined });
}

/** What was written, in the order in which it came. */
export async function writeFiles({ sandbox, request, query }: E2bExchange): Promise<object[]> {
  allowSlowBody(request);
  try {
    sandbox.state.refuseWhenDraining();
    refuseMetadata(request);
    const path = query.get('path') ?? undefined;
    const isForm = mediaType(request.headers) === 'multipart/form-data';
    const written = isForm
      ? await writeForm(sandbox, request, path)
      : [await writeOne(sandbox, request, path)];
    return written.map(({ path, name }) => ({ path, name, type: 'file' }));
  } catch (error) {
    await readOff(request);
    throw error;
  }
}

async function writeOne(
  { files }: Sandbox,
  request: IncomingMessage,
  path: string | undefined,
): Promise<FileEntry> {
  using draft = await FileDraft.open(files, parseInput(E2bPath, path ?? ''));
  for await (const chunk of chunksOf(request)) await draft.write(chunk);
  return await draft.commit();
}

/** Only parts with the name `file` are files; without a path of the request, each names its own. */
async function writeForm(
  { files }: Sandbox,
  request: IncomingMessage,
  path: string | undefined,
): Promise<FileEntry[]> {
  const parser = new MultipartParser(boundaryOf(request.headers['content-type'] ?? ''));
  const written: FileEntry[] = [];
  using drafts = new DisposableStack();
  let draft: FileDraft | undefined;
  for await (const chunk of chunksOf(request)) {
    for (const event of parser.push(chunk)) {
      if (event.type === 'part') {
        draft =
          event.name === 'file'
            ? drafts.use(
                await FileDraft.open(files, parseInput(E2bPath, path ?? event.filename ?? '')),
              )
            : undefined;
      } else if (event.type === 'data') await draft?.write(event.bytes);
      else if (draft) written.push(await draft.commit());
    }
  }
  parser.end();
  return written;
}

/** By an iterator that leaves the request as it is: destroyed, it would take the answer with it. */
async function* chunksOf(request: IncomingMessage): AsyncGenerator<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'content-encoding: must be gzip or absent');
  const source = encoding === 'gzip' ? request.pipe(createGunzip()) : request;
  const cut = () => {
    if (source !== request && !request.readableEnded)
      source.destroy(new Error('the request was cut'));
  };
  request.once('close', cut);
  if (request.destroyed) cut();
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } catch (error) {
    if (source === request) throw error;
    throw new AppError('VALIDATION_ERROR', 'body: is not gzip, or was cut', {
      details: { field: 'body' },
    });
  } finally {
    request.off('close', cut);
    if (source !== request) source.destroy();
  }
}

function refuseMetadata({ headers }: IncomingMessage): void {
  const name = Object.keys(headers).find((header) => header.startsWith('x-metadata-'));
  if (name !== undefined)
    throw new AppError('NOT_SUPPORTED', `${name}: files have no metadata of callers here`, {
      details: { field: name },
    });
}
