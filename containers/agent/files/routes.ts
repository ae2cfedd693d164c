/** The routes of files: what each parses, does and answers. */
import {
  BeginUploadRequest,
  FileQuery,
  ListFilesQuery,
  MakeDirectoryRequest,
  MoveFileRequest,
  ReadFileQuery,
  RemoveFileQuery,
  UploadSliceQuery,
  WatchFilesRequest,
  WriteFileQuery,
} from '../../../contract/agent/files.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { readJson } from '../server/body.ts';
import { parseInput } from '../server/problems.ts';
import { type Exchange, type JsonAnswer, numberIn, ok, type Route } from '../server/route.ts';
import { digestFile } from './digest-file.ts';
import { readOff } from './pour.ts';
import { sendFile } from './read-file.ts';
import { receiveFile } from './write-file.ts';

export const FILE_ROUTES: readonly Route[] = [
  { method: 'GET', pattern: /^\/files$/, handle: read },
  { method: 'PUT', pattern: /^\/files$/, slowBody: true, handle: write },
  { method: 'DELETE', pattern: /^\/files$/, handle: remove },
  { method: 'GET', pattern: /^\/files\/list$/, handle: list },
  { method: 'GET', pattern: /^\/files\/stat$/, handle: stat },
  { method: 'POST', pattern: /^\/files\/mkdir$/, handle: makeDirectory },
  { method: 'POST', pattern: /^\/files\/move$/, handle: move },
  { method: 'GET', pattern: /^\/files\/digest$/, handle: digest },
  { method: 'POST', pattern: /^\/watches$/, handle: watch },
  { method: 'POST', pattern: /^\/files\/uploads$/, handle: beginUpload },
  {
    method: 'PUT',
    pattern: /^\/files\/uploads\/([^/]+)$/,
    slowBody: true,
    handle: uploadSlice,
  },
  { method: 'POST', pattern: /^\/files\/uploads\/([^/]+)\/finish$/, handle: finishUpload },
];

async function read({ sandbox, request, response, query }: Exchange): Promise<undefined> {
  const { path, maxBytes } = parseInput(ReadFileQuery, {
    ...fieldsOf(query),
    maxBytes: numberIn(query, 'maxBytes'),
  });
  await sendFile(sandbox.files, { request, response, path, maxBytes });
}

async function write({ sandbox, request, query }: Exchange): Promise<JsonAnswer> {
  try {
    sandbox.state.refuseWhenDraining();
    const { path, sha256 } = parseInput(WriteFileQuery, fieldsOf(query));
    return ok(await receiveFile(sandbox.files, { request, path, sha256 }));
  } catch (error) {
    await readOff(request);
    throw error;
  }
}

async function watch({ sandbox, request }: Exchange): Promise<JsonAnswer> {
  const body = parseInput(WatchFilesRequest, await readJson(request));
  return { status: 201, body: await sandbox.watches.start(body) };
}

async function remove({ sandbox, query }: Exchange): Promise<JsonAnswer> {
  const { path, recursive } = parseInput(RemoveFileQuery, fieldsOf(query));
  await sandbox.files.remove(path, recursive === 'true');
  return { status: 204 };
}

async function list({ sandbox, query }: Exchange): Promise<JsonAnswer> {
  const asked = parseInput(ListFilesQuery, {
    ...fieldsOf(query),
    depth: numberIn(query, 'depth') ?? 1,
    limit: numberIn(query, 'limit') ?? LIMITS.pageSize.default,
  });
  return ok(await sandbox.files.list(asked));
}

async function stat({ sandbox, query }: Exchange): Promise<JsonAnswer> {
  const { path } = parseInput(FileQuery, fieldsOf(query));
  return ok(await sandbox.files.stat(path));
}

async function makeDirectory({ sandbox, request }: Exchange): Promise<JsonAnswer> {
  sandbox.state.refuseWhenDraining();
  const { path } = parseInput(MakeDirectoryRequest, await readJson(request));
  return ok(await sandbox.files.makeDirectory(path));
}

async function move({ sandbox, request }: Exchange): Promise<JsonAnswer> {
  const { from, to, overwrite } = parseInput(MoveFileRequest, await readJson(request));
  return ok(await sandbox.files.move(from, to, overwrite === true));
}

async function digest({ sandbox, query }: Exchange): Promise<JsonAnswer> {
  const { path } = parseInput(FileQuery, fieldsOf(query));
  return ok(await digestFile(sandbox.files, path));
}

async function beginUpload({ sandbox, request }: Exchange): Promise<JsonAnswer> {
  sandbox.state.refuseWhenDraining();
  const body = parseInput(BeginUploadRequest, await readJson(request));
  return ok({ offset: await sandbox.uploads.begin(body) });
}

async function uploadSlice({ sandbox, request, query, id }: Exchange): Promise<JsonAnswer> {
  try {
    const { offset } = parseInput(UploadSliceQuery, { offset: numberIn(query, 'offset') });
    return ok({ offset: await sandbox.uploads.append(id, offset, request) });
  } catch (error) {
    await readOff(request);
    throw error;
  }
}

async function finishUpload({ sandbox, id }: Exchange): Promise<JsonAnswer> {
  return ok(await sandbox.uploads.finish(id));
}

const fieldsOf = (query: URLSearchParams): Record<string, string> => Object.fromEntries(query);
