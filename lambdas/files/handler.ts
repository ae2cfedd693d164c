/** `files`: files of sandboxes, as bytes and by name. */

import { createDownload, getDownload } from '../../core/files/downloads.ts';
import {
  deleteFile,
  listFiles,
  makeDirectory,
  moveFile,
  readFile,
  statFile,
  writeFile,
} from '../../core/files/files.ts';
import { completeUpload, createUpload } from '../../core/files/uploads.ts';
import { parseEnv } from '../shared/env.ts';
import { idempotencyKeyOf } from '../shared/idempotency-key.ts';
import { restFunction } from '../shared/rest-function.ts';
import { FilesEnv } from './env.ts';
import { conditionsOf, fileHeaders } from './headers.ts';
import { wire } from './wire.ts';

const env = parseEnv(FilesEnv);
const deps = wire(env);

export const handler = restFunction(
  { allowedOrigin: env.ALLOWED_ORIGIN },
  {
    readFile: async (request) => {
      const { params, query, caller } = request;
      const headers = conditionsOf(request, ['range', 'if-match', 'if-none-match']);
      const file = await readFile(deps, { ...params, ...query, headers }, caller);
      return {
        status: file.status,
        data: file.status === 304 ? undefined : file.bytes,
        headers: fileHeaders(file.headers),
      };
    },
    writeFile: async (request) => {
      const { params, query, body, caller } = request;
      const headers = conditionsOf(request, ['if-match', 'if-none-match']);
      const input = { ...params, ...query, bytes: body, headers };
      const data = await writeFile(deps, input, caller);
      return { status: 200, data, headers: { ETag: `"${data.version}"` } };
    },
    deleteFile: async ({ params, query, caller }) => {
      const recursive = query.recursive === 'true';
      await deleteFile(deps, { ...params, path: query.path, recursive }, caller);
      return { status: 204, data: undefined };
    },
    listFiles: async ({ params, query, caller }) => ({
      status: 200,
      data: await listFiles(deps, { ...params, ...query }, caller),
    }),
    statFile: async ({ params, query, caller }) => ({
      status: 200,
      data: await statFile(deps, { ...params, ...query }, caller),
    }),
    makeDirectory: async ({ params, body, caller }) => ({
      status: 200,
      data: await makeDirectory(deps, { ...params, ...body }, caller),
    }),
    createUpload: async (request) => {
      const asked = idempotencyKeyOf('createUpload', request);
      const { params, body, caller } = request;
      const input = { ...params, ...body };
      return { status: 201, data: await createUpload(deps, { input, asked }, caller) };
    },
    completeUpload: async ({ params, caller }) =>
      copied(await completeUpload(deps, params, caller)),
    createDownload: async ({ params, body, caller }) =>
      copied(await createDownload(deps, { ...params, ...body }, caller)),
    getDownload: async ({ params, caller }) => copied(await getDownload(deps, params, caller)),
    moveFile: async ({ params, body, caller }) => ({
      status: 200,
      data: await moveFile(deps, { ...params, ...body }, caller),
    }),
  },
);

const copied = <T extends { state: string }>(data: T) => ({
  status: data.state === 'done' ? 200 : 202,
  data,
});
