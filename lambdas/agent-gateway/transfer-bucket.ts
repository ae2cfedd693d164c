/**
 * Objects of the transfer bucket by presigned URL, which needs no role. Must never send a request to any
 * other host: whoever chooses the URL could else reach what is near us.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DialRequest } from '../../contract/agent/dial.ts';
import type { AgentGatewayEnv } from './env.ts';

export interface ObjectBytes {
  readonly stream: Readable;
  readonly sizeBytes: number;
}

type Source = NonNullable<DialRequest['source']>;
type Sink = NonNullable<DialRequest['sink']>;

const CONNECT_MS = 5_000;
const MAX_HEAD_BYTES = 16 * 1024;

export class TransferBucket {
  readonly #env: AgentGatewayEnv;

  constructor(env: AgentGatewayEnv) {
    this.#env = env;
  }

  /** The bytes, or the status of a refusal. */
  async open({ url, from, to }: Source, idleMs: number): Promise<ObjectBytes | number> {
    const outgoing = this.#request(url, { headers: { range: `bytes=${from}-${to}` } });
    outgoing.end();
    const response = await answered(outgoing, idleMs);
    const sizeBytes = to - from + 1;
    // 200 is an object that is read whole.
    const isWhole = Number(response.headers['content-length']) === sizeBytes;
    if ([200, 206].includes(response.statusCode ?? 0) && isWhole)
      return { stream: response, sizeBytes };
    response.destroy();
    return response.statusCode ?? 0;
  }

  /** The status that the bucket answers. Rejects when there were not as many bytes as announced. */
  async store(
    { url, sizeBytes, headers }: Sink,
    bytes: IncomingMessage,
    idleMs: number,
  ): Promise<number> {
    if (Number(bytes.headers['content-length']) !== sizeBytes) {
      bytes.destroy();
      throw Object.assign(new Error('another size than was asked for'), { code: 'EMSGSIZE' });
    }
    const outgoing = this.#request(url, {
      method: 'PUT',
      headers: { ...headers, 'content-length': sizeBytes },
    });
    const [response] = await Promise.all([answered(outgoing, idleMs), pipeline(bytes, outgoing)]);
    response.resume();
    return response.statusCode ?? 0;
  }

  #request(text: string, options: RequestOptions) {
    const url = new URL(text);
    if (!this.#isOurs(url)) throw new Error('a URL of another host than the transfer bucket');
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    return send(url, { ...options, maxHeaderSize: MAX_HEAD_BYTES, timeout: CONNECT_MS });
  }

  #isOurs(url: URL): boolean {
    if (url.username !== '' || url.password !== '') return false;
    const { TRANSFER_HOST: host, AWS_ENDPOINT_URL: standIn } = this.#env;
    if (standIn === undefined) return url.origin === `https://${host}`;
    const [bucket = ''] = host.split('.');
    return url.origin === new URL(standIn).origin && url.pathname.startsWith(`/${bucket}/`);
  }
}

function answered(
  outgoing: ReturnType<typeof httpRequest>,
  idleMs: number,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const late = () =>
      outgoing.destroy(Object.assign(new Error('no bytes in time'), { code: 'ETIMEDOUT' }));
    outgoing.once('error', reject).once('response', resolve).once('timeout', late);
    // Once connected, silence is measured as it is on the other side.
    const quiet = () => outgoing.setTimeout(idleMs, late);
    // A connection that was kept does not connect again.
    outgoing.once('socket', (socket) =>
      socket.connecting ? socket.once('connect', quiet) : quiet(),
    );
  });
}
