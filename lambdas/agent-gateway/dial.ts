/** One HTTP request to an agent, with a deadline for the head and one for silence. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { DialRequest } from '../../contract/agent/dial.ts';
import { AGENT_PORT } from '../../contract/agent/protocol.ts';
import type { ObjectBytes } from './transfer-bucket.ts';

export interface Dialled {
  readonly status: number;
  readonly body: IncomingMessage;
}

/** Heads of ours are a few hundred bytes. */
const MAX_HEAD_BYTES = 8 * 1024;
/** Sandboxes live for minutes: a few idle connections are enough. */
const connections = new Agent({ keepAlive: true, maxFreeSockets: 64, timeout: 60_000 });

const BYTES = 'application/octet-stream';

/** Rejects when no head came; after it, the body's own error says that it was cut. */
export function dial(request: DialRequest, source?: ObjectBytes): Promise<Dialled> {
  const body = bodyOf(request, source);
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      agent: connections,
      host: request.host,
      port: AGENT_PORT,
      method: request.method,
      path: request.path,
      maxHeaderSize: MAX_HEAD_BYTES,
      headers: {
        ...(request.token === undefined ? {} : { authorization: `Bearer ${request.token}` }),
        ...request.headers,
        ...body?.headers,
      },
    });
    const late = setTimeout(() => outgoing.destroy(timeout('head')), request.headTimeoutMs);
    outgoing.on('error', reject);
    outgoing.on('close', () => clearTimeout(late));
    outgoing.on('response', (body) => {
      clearTimeout(late);
      outgoing.setTimeout(request.idleTimeoutMs, () => body.destroy(timeout('body')));
      resolve({ status: body.statusCode ?? 0, body });
    });
    if (!source) {
      outgoing.end(body?.bytes);
      return;
    }
    outgoing.setTimeout(request.idleTimeoutMs, () => outgoing.destroy(timeout('body')));
    // Either end may fail; the agent may also refuse before it has read all.
    source.stream.on('error', (error) => outgoing.destroy(error));
    outgoing.on('close', () => source.stream.destroy());
    source.stream.pipe(outgoing);
  });
}

/** An empty file is a body too. */
function bodyOf({ body, base64 }: DialRequest, source?: ObjectBytes) {
  if (source) {
    const headers = { 'content-type': BYTES, 'content-length': source.sizeBytes };
    return { bytes: undefined, headers };
  }
  if (body === undefined && base64 === undefined) return undefined;
  const bytes =
    base64 === undefined ? Buffer.from(JSON.stringify(body)) : Buffer.from(base64, 'base64');
  const type = base64 === undefined ? 'application/json' : BYTES;
  return { bytes, headers: { 'content-type': type, 'content-length': bytes.length } };
}

const timeout = (part: string) =>
  Object.assign(new Error(`no ${part} in time`), { code: 'ETIMEDOUT' });
