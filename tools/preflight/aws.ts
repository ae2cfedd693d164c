/**
 * A few read-only calls to AWS, signed here: nine reads of seven services are not worth seven clients.
 * Credentials and Region come from the SDK's own chain. Changes nothing, ever.
 */
import { createHash, createHmac } from 'node:crypto';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SignatureV4 } from '@smithy/signature-v4';
import * as z from 'zod';
import { endpointOverride } from './env.ts';

/** An answer that is a refusal: the service's own code and words. */
export class Refusal extends Error {
  override readonly name: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = code;
  }
}

interface Session {
  readonly region: string;
  readonly credentials: Awaited<ReturnType<LambdaClient['config']['credentials']>>;
}

interface Request {
  readonly service: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const TIMEOUT_MS = 15_000;
/** IAM has one endpoint for all Regions, and signs for this one. */
const GLOBAL = { iam: { host: 'iam.amazonaws.com', region: 'us-east-1' } } as const;
/** Of the services that speak the query protocol. */
const VERSIONS = {
  sts: '2011-06-15',
  iam: '2010-05-08',
  cloudformation: '2010-05-15',
  ec2: '2016-11-15',
} as const;

export class Aws {
  readonly region: string;
  readonly #session: Session;

  /** Finds credentials and Region; throws what the SDK throws where there are none. */
  static async open(options: { region?: string | undefined; profile?: string | undefined }) {
    const { region, profile } = options;
    const { config } = new LambdaClient({
      ...(region === undefined ? {} : { region }),
      ...(profile === undefined ? {} : { profile }),
    });
    return new Aws({ region: await config.region(), credentials: await config.credentials() });
  }

  private constructor(session: Session) {
    this.#session = session;
    this.region = session.region;
  }

  /** The text of an XML answer. */
  query(service: keyof typeof VERSIONS, action: string, input: Record<string, string> = {}) {
    const form = new URLSearchParams({ Action: action, Version: VERSIONS[service], ...input });
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    return this.#send({ service, method: 'POST', path: '/', headers, body: form.toString() });
  }

  /** @param target such as `AmazonSSM.GetParameter` */
  async json(service: string, target: string, input: Record<string, unknown>): Promise<unknown> {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
    const body = JSON.stringify(input);
    return JSON.parse(await this.#send({ service, method: 'POST', path: '/', headers, body }));
  }

  async get(service: string, path: string): Promise<unknown> {
    return JSON.parse(await this.#send({ service, method: 'GET', path }));
  }

  async #send({ service, method, path, headers = {}, body }: Request): Promise<string> {
    const { host, region } =
      service === 'iam'
        ? GLOBAL.iam
        : { host: `${service}.${this.region}.amazonaws.com`, region: this.region };
    const url = new URL(path, endpointOverride() ?? `https://${host}`);
    const signer = new SignatureV4({
      service,
      region,
      credentials: this.#session.credentials,
      sha256: Sha256,
    });
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      headers: { ...headers, host: url.host },
      ...(body === undefined ? {} : { body }),
    });
    const response = await fetch(url, {
      method,
      headers: signed.headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (response.ok) return text;
    throw refusalOf(response, text);
  }
}

/** JSON protocols name the code in the body or a header, with a namespace or a link around it. */
function refusalOf(response: Response, text: string): Refusal {
  if (text.trimStart().startsWith('<'))
    return new Refusal(valueOf(text, 'Code') ?? 'Unknown', valueOf(text, 'Message') ?? text);
  const { __type, message, Message } = JsonRefusal.parse(jsonOf(text));
  const told = response.headers.get('x-amzn-errortype') ?? __type ?? `HTTP ${response.status}`;
  const code = told.split('#').at(-1)?.split(':')[0] ?? told;
  return new Refusal(code, message ?? Message ?? text);
}

const words = z.string().optional().catch(undefined);
const JsonRefusal = z.object({ __type: words, message: words, Message: words }).catch({});

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The first value of an element without children of its own. */
export function valueOf(xml: string, element: string): string | undefined {
  return new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1];
}

/** As the signer wants it. */
class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
