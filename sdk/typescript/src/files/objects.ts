/**
 * Bytes to and from the deployment's bucket by presigned URL. Must never send it the API key, which is not
 * for it, nor repeat what the bucket refused.
 */
import { isNode } from '../config.ts';
import { CodeInterpreterError, ConnectionError, invalidAnswer } from '../errors.ts';
import type { Api } from '../transport/http.ts';
import { retrying } from '../transport/retry.ts';
import type { TransferOptions } from './options.ts';

/** Goes through the bytes of a blob, which may be larger than memory. */
export async function eachChunk(
  blob: Blob,
  { onProgress, signal }: TransferOptions,
  take: (bytes: Uint8Array) => unknown,
): Promise<void> {
  const totalBytes = blob.size;
  let doneBytes = 0;
  for await (const bytes of chunksOf(blob.stream())) {
    take(bytes);
    doneBytes += bytes.length;
    onProgress?.({ step: 'hashing', doneBytes, totalBytes });
    signal?.throwIfAborted();
  }
}

export async function putObject(
  api: Api,
  target: { url: string; headers: Readonly<Record<string, string>> },
  blob: Blob,
  options: TransferOptions,
): Promise<void> {
  const send = async () => {
    const response = await reach('PUT', options.signal, () =>
      api.fetch(target.url, {
        method: 'PUT',
        ...outgoing(blob, target.headers, options),
        ...PLAIN,
        ...(options.signal ? { signal: options.signal } : {}),
      }),
    );
    await response.arrayBuffer().catch(() => undefined);
    refuse(response, 'took no bytes');
  };
  await again(api, options, send);
}

/** @returns how many bytes came */
export async function getObject(
  api: Api,
  url: string,
  { signal, ...options }: TransferOptions & { totalBytes: number },
  take: (bytes: Uint8Array) => unknown,
): Promise<number> {
  const response = await reach('GET', signal, () =>
    api.fetch(url, { ...PLAIN, ...(signal ? { signal } : {}) }),
  );
  refuse(response, 'gave no bytes');
  let doneBytes = 0;
  for await (const bytes of received(response.body, signal)) {
    await take(bytes);
    doneBytes += bytes.length;
    options.onProgress?.({ step: 'receiving', doneBytes, totalBytes: options.totalBytes });
  }
  return doneBytes;
}

/** Only what the network does is a cut: what the caller's own code throws stays the caller's. */
async function* received(
  body: Parameters<typeof chunksOf>[0],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* chunksOf(body);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ConnectionError('The download broke off.', { cause, retryable: true });
  }
}

export const again = <T>(api: Api, { signal }: TransferOptions, attempt: () => Promise<T>) =>
  retrying(attempt, {
    timing: api.timing,
    signal,
    again: (error, failures) => error instanceof ConnectionError && failures < api.timing.attempts,
  });

const PLAIN = { redirect: 'error', cache: 'no-store', credentials: 'omit' } as const;

/** Only Node lets a stream have a length; elsewhere the platform sends the blob by itself. */
function outgoing(
  blob: Blob,
  headers: Readonly<Record<string, string>>,
  { onProgress }: TransferOptions,
): RequestInit {
  if (!onProgress || !isNode()) return { headers, body: blob };
  const totalBytes = blob.size;
  let doneBytes = 0;
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      doneBytes += bytes.length;
      onProgress({ step: 'sending', doneBytes, totalBytes });
      controller.enqueue(bytes);
    },
  });
  return {
    headers: { ...headers, 'Content-Length': String(totalBytes) },
    body: blob.stream().pipeThrough(counting),
    duplex: 'half',
  };
}

async function reach(
  method: string,
  signal: AbortSignal | undefined,
  send: () => Promise<Response>,
): Promise<Response> {
  try {
    return await send();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ConnectionError(`No answer to ${method} at the bucket.`, { cause, retryable: true });
  }
}

function refuse({ ok, status }: Response, what: string): void {
  if (ok) return;
  const text = `The bucket ${what}: it answered ${status}.`;
  if (status >= 500) throw new ConnectionError(text, { status, retryable: true });
  if (status === 400)
    throw new CodeInterpreterError('VALIDATION_ERROR', `${text} The bytes changed on their way.`, {
      status,
    });
  throw invalidAnswer(`${text} Its URL may have expired.`, { status });
}

/** Not every browser can iterate over a stream. */
async function* chunksOf(
  stream: ReadableStream<Uint8Array> | null,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!stream) return;
  const reader = stream.getReader();
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
