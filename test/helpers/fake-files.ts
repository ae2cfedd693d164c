/**
 * The operations on files and a bucket beside them, in memory, as a `fetch`: keeps to the contract, and
 * loses, changes or refuses what a test asks for.
 */
import { createHash } from 'node:crypto';
import { LIMITS } from '../../contract/limits.ts';
import { createApi } from '../../sdk/typescript/src/client.ts';
import { Sandbox } from '../../sdk/typescript/src/sandbox.ts';
import { QUICK } from './sdk.ts';

const BASE = 'http://api.test/api/v1';
const BUCKET = 'http://bucket.test';
const AT = '2030-01-01T00:00:00.000Z';
const SANDBOX = `sb${'0'.repeat(20)}`;

export interface FakeFiles {
  readonly files: Map<string, Uint8Array>;
  readonly sandbox: Sandbox;
  /** `METHOD path`, in order; of the bucket by `bucket`. */
  readonly seen: string[];
  /** Taken one by one: `lost` tears the answer after it was done. */
  readonly faults: Record<string, ('lost' | 'changed' | 'refused')[]>;
  /** How often a copy is answered 202 before it is done. */
  copies: number;
}

type Bytes = Uint8Array<ArrayBuffer>;

export function fakeFiles(): FakeFiles {
  const fetch = ((input: string, init: RequestInit = {}) =>
    answer(fake, state, input, init)) as never;
  const api = createApi({ baseUrl: BASE, apiKey: `ci_${'0'.repeat(40)}`, fetch }, QUICK);
  const state: State = { objects: new Map(), uploads: new Map(), copies: new Map() };
  const info = { id: SANDBOX, status: 'running' } as never;
  const fake: FakeFiles = {
    files: new Map(),
    sandbox: new Sandbox(api, info),
    seen: [],
    faults: {},
    copies: 0,
  };
  return fake;
}

interface State {
  readonly objects: Map<string, Bytes>;
  readonly uploads: Map<string, { path: string; sizeBytes: number; sha256: string }>;
  readonly copies: Map<string, number>;
}

async function answer(fake: FakeFiles, state: State, input: string, init: RequestInit) {
  const url = new URL(input);
  const method = init.method ?? 'GET';
  const isBucket = url.origin === BUCKET;
  const body = new Uint8Array(await new Response(init.body ?? null).arrayBuffer());
  const name = isBucket ? `${method} bucket` : `${method} ${url.pathname.split(SANDBOX)[1] ?? ''}`;
  fake.seen.push(name.replace(/\/(up|dl)0{2}[^/]*/, '/{id}'));
  const hasKey = new Headers(init.headers).has('x-api-key');
  if (hasKey === isBucket) throw new Error('the key goes to the API and nowhere else');
  const fault = fake.faults[fake.seen.at(-1) ?? '']?.shift();
  if (fault === 'refused') return new Response('<Error/>', { status: 403 });
  const made = isBucket
    ? bucket(state, { method, url, body, headers: new Headers(init.headers) })
    : operate(fake, state, { method, url, body });
  if (fault === 'lost') throw new TypeError('fetch failed');
  if (fault === 'changed')
    return new Response(new Uint8Array(await made.arrayBuffer()).map((b) => b ^ 1));
  return made;
}

interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly body: Bytes;
}

const shaOf = (bytes: Uint8Array, form: 'hex' | 'base64') =>
  createHash('sha256').update(bytes).digest(form);

function bucket({ objects }: State, { method, url, body, headers }: Asked & { headers: Headers }) {
  if (method === 'GET') return new Response(objects.get(url.pathname) ?? null);
  if (headers.get('x-amz-checksum-sha256') !== shaOf(body, 'base64'))
    return new Response('<Error/>', { status: 400 });
  objects.set(url.pathname, body);
  return new Response('');
}

function operate(fake: FakeFiles, state: State, { method, url, body }: Asked): Response {
  const [, route = ''] = url.pathname.split(`${SANDBOX}/`);
  const path = url.searchParams.get('path') ?? '';
  const json = () => JSON.parse(new TextDecoder().decode(body)) as Record<string, string>;
  const [kind, id = ''] = route.split('/');
  switch (`${method} ${kind}`) {
    case 'PUT files':
      fake.files.set(path, body);
      return ok(200, entryOf(path, body));
    case 'GET files': {
      const file = fake.files.get(path) as Bytes | undefined;
      if (!file) return refuse(404, 'FILE_NOT_FOUND');
      return file.length > LIMITS.fileRequestBytes
        ? refuse(413, 'FILE_TOO_LARGE')
        : new Response(file);
    }
    case 'DELETE files':
      return fake.files.delete(path)
        ? new Response(null, { status: 204 })
        : refuse(404, 'FILE_NOT_FOUND');
    case 'POST uploads':
      return id === '' ? beginUpload(state, json()) : completeUpload(fake, state, id);
    case 'POST downloads':
    case 'GET downloads':
      return copyOut(
        fake,
        state,
        id === '' ? (json()['path'] ?? '') : (state.uploads.get(id)?.path ?? ''),
      );
    default:
      return refuse(404, 'NOT_FOUND');
  }
}

const transfer = (id: string, path: string) => ({ id, sandboxId: SANDBOX, path, createdAt: AT });

function beginUpload(state: State, asked: Record<string, unknown>): Response {
  const upload = asked as { path: string; sizeBytes: number; sha256: string };
  const id = `up${String(state.uploads.size).padStart(20, '0')}`;
  state.uploads.set(id, upload);
  return ok(201, {
    ...transfer(id, upload.path),
    ...upload,
    state: 'waiting',
    url: `${BUCKET}/${id}`,
    headers: { 'x-amz-checksum-sha256': Buffer.from(upload.sha256, 'hex').toString('base64') },
    urlExpiresAt: AT,
  });
}

function completeUpload(fake: FakeFiles, state: State, id: string): Response {
  const upload = state.uploads.get(id);
  const bytes = state.objects.get(`/${id}`);
  if (!upload || !bytes) return refuse(400, 'VALIDATION_ERROR');
  const facts = { ...transfer(id, upload.path), ...upload };
  if (isCopying(fake, state, id)) return ok(202, { ...facts, state: 'copying' });
  fake.files.set(upload.path, bytes);
  return ok(200, { ...facts, state: 'done', file: entryOf(upload.path, bytes) });
}

function copyOut(fake: FakeFiles, state: State, path: string): Response {
  const file = fake.files.get(path) as Bytes | undefined;
  if (!file) return refuse(404, 'FILE_NOT_FOUND');
  const id = `dl${'0'.repeat(20)}`;
  state.uploads.set(id, { path, sizeBytes: file.length, sha256: shaOf(file, 'hex') });
  if (isCopying(fake, state, id)) return ok(202, { ...transfer(id, path), state: 'copying' });
  state.objects.set(`/${id}`, file);
  const { sizeBytes, sha256 } = state.uploads.get(id)!;
  const url = `${BUCKET}/${id}`;
  return ok(200, {
    ...transfer(id, path),
    state: 'done',
    sizeBytes,
    sha256,
    url,
    urlExpiresAt: AT,
  });
}

function isCopying(fake: FakeFiles, { copies }: State, id: string): boolean {
  const asked = copies.get(id) ?? 0;
  copies.set(id, asked + 1);
  return asked < fake.copies;
}

const entryOf = (path: string, bytes: Uint8Array) => ({
  path: `/home/user/${path}`,
  name: path,
  type: 'file',
  sizeBytes: bytes.length,
  mode: '644',
  modifiedAt: AT,
  version: '1-1',
});

const ok = (status: number, data: unknown) =>
  new Response(JSON.stringify({ success: true, data }), { status });

const refuse = (status: number, code: string) => {
  const error = { code, message: `refused: ${code}`, retryable: false, requestId: 'request' };
  return new Response(JSON.stringify({ success: false, error }), { status });
};
