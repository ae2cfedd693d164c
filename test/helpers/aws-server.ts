/**
 * A front door just big enough for contract tests of one or more stand-ins: it checks signatures and hands over.
 */
import { hash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { AwsService } from '../../local/services/service.ts';
import { refuse, sendRefusal } from '../../local/services/shared/refusal.ts';
import { parseAuthorization, verifySignature } from '../../local/services/sigv4.ts';

export const credentials = { accessKeyId: 'AKIDTEST', secretAccessKey: 'a-secret-of-the-test' };
export const region = 'us-east-1';

export interface AwsServer extends AsyncDisposable {
  readonly endpoint: string;
  close(): Promise<void>;
}

export async function startAwsServer(...services: AwsService[]): Promise<AwsServer> {
  const server = createServer((incoming, response) => {
    serve(services, incoming, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await Promise.all(services.map((service) => service.close()));
  };
  return { endpoint: `http://127.0.0.1:${port}`, close, [Symbol.asyncDispose]: close };
}

async function serve(
  services: AwsService[],
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(incoming.url ?? '/', 'http://stand-in');
  const preflight = incoming.method === 'OPTIONS';
  const parsed = parseAuthorization(incoming);
  const name = preflight ? 's3' : (parsed.service ?? (url.pathname.length > 1 ? 's3' : undefined));
  const body = name === 's3' ? undefined : await buffer(incoming);
  if (!preflight) {
    const checked = verifySignature({
      request: incoming,
      bodySha256: body && hash('sha256', body),
      secretFor: (key) =>
        key === credentials.accessKeyId ? credentials.secretAccessKey : undefined,
      now: Date.now(),
    });
    if (!checked.ok) {
      const refusal = parsed.service ? checked : refuse('missing', name, 'Access Denied');
      sendRefusal(refusal, incoming, response);
      return;
    }
  }
  const service = services.find((candidate) => candidate.name === name);
  if (!service) throw new Error(`no stand-in for ${name}`);
  const target = incoming.headers['x-amz-target'];
  await service.handle(
    {
      service: service.name,
      target: typeof target === 'string' ? target : undefined,
      principal: { accessKeyId: credentials.accessKeyId, name: 'test' },
      incoming,
      url,
      body,
      has: () => true,
    },
    response,
  );
}
