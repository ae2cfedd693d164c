/**
 * The one AWS endpoint of this machine: checks who signed and what they may do, counts, and hands the request to the
 * stand-in of the service in the signature's scope. It never answers for a service, and lets nothing unsigned through but the
 * CORS preflights of S3, which browsers cannot sign.
 */
import { hash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AccessControl } from '../iam/access-control.ts';
import type { Right } from '../iam/decision.ts';
import type { Denial } from '../iam/denial.ts';
import type { AwsRequest, AwsService, Principal, UncheckedRequest } from '../service.ts';
import { Chance } from '../shared/chance.ts';
import { refuse, sendRefusal } from '../shared/refusal.ts';
import { parseAuthorization, verifySignature } from '../sigv4.ts';
import { actionOf } from './actions.ts';
import { carryUnder } from './faults/carry.ts';
import { FaultSwitch } from './faults/fault-switch.ts';
import { resourcesOf } from './faults/resources.ts';
import { type AccessKey, Keyring } from './keyring.ts';
import { listenOnLoopback, stopServer } from './loopback.ts';
import { readBody } from './read-body.ts';
import { RequestCounts } from './request-counts.ts';

/** The largest body a service other than S3 takes: 6 MB and what an envelope needs. */
const BODY_LIMIT_BYTES = 6 * 1024 * 1024 + 1024;

/** Large uploads may take their time; idle connections outlive what the SDKs keep, so that none is cut in use. */
const SERVER_OPTIONS = { requestTimeout: 0, keepAliveTimeout: 75_000 };

/** Who sends a preflight: it asks for nothing but the rules of a bucket. */
const ANONYMOUS = 'anonymous';

export interface FrontDoorOptions {
  /** What fault rules with a probability draw from. */
  readonly chance?: Chance;
  /** Default 0: any free port. */
  readonly port?: number;
  /** What signers may do. Without it whoever has signed may do everything: for tests of a stand-in alone. */
  readonly access?: Pick<AccessControl, 'check'>;
  /** Hears of what a stand-in threw: the caller gets a bare 500. */
  readonly onError?: (error: unknown, request: { service: string; action: string }) => void;
}

export class FrontDoor implements AsyncDisposable {
  readonly counts = new RequestCounts();
  readonly faults: FaultSwitch;
  readonly #options: FrontDoorOptions;
  readonly #keyring = new Keyring();
  readonly #services = new Map<string, AwsService>();
  readonly #server: Server;
  #url: string | undefined;

  constructor(options: FrontDoorOptions = {}) {
    this.#options = options;
    this.faults = new FaultSwitch(options.chance ?? new Chance(0));
    this.#server = createServer(SERVER_OPTIONS, (incoming, response) => {
      void this.#receive(incoming, response);
    });
  }

  /** Listens and answers its URL, the `AWS_ENDPOINT_URL` of functions. */
  async listen(): Promise<string> {
    this.#url = await listenOnLoopback(this.#server, this.#options.port ?? 0);
    return this.#url;
  }

  get url(): string {
    if (this.#url === undefined) throw new Error('The front door does not listen yet');
    return this.#url;
  }

  register(service: AwsService): void {
    if (this.#services.has(service.name)) {
      throw new Error(`A stand-in for ${service.name} is already registered`);
    }
    this.#services.set(service.name, service);
  }

  /** The access key of a function or tool; the same name gets the same pair. */
  issueCredentials(name: string): AccessKey {
    return this.#keyring.issue(name);
  }

  /** Takes no more requests and cuts those that are open. The services are the caller's to close. */
  async close(): Promise<void> {
    await stopServer(this.#server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #receive(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = { service: 'unknown', action: 'unknown' };
    try {
      const admitted = await this.#admit(incoming, response);
      if (admitted === undefined) return;
      request.service = admitted.service;
      request.action = actionOf({
        ...admitted,
        method: incoming.method ?? 'GET',
        headers: incoming.headers,
      });
      this.counts.add({ ...request, principal: admitted.principal.name });
      const checked = await this.#authorize(admitted, response);
      if (checked !== undefined) await this.#carry(checked, request.action, response);
    } catch (error) {
      this.#fail(error, request, response);
    }
  }

  async #carry(request: AwsRequest, action: string, response: ServerResponse): Promise<void> {
    const { service, principal } = request;
    const serve = async (asked: AwsRequest, answer: ServerResponse): Promise<void> =>
      this.#services.get(service)?.handle(asked, answer);
    const strike = this.faults.strike({
      service,
      action,
      function: principal.name,
      resources: () => resourcesOf(request),
    });
    await (strike === undefined
      ? serve(request, response)
      : carryUnder(strike, request, response, serve));
  }

  /** The request as the service gets it, or undefined when it has been answered. */
  async #admit(
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<UncheckedRequest | undefined> {
    if (isPreflight(incoming)) {
      const principal = { accessKeyId: ANONYMOUS, name: ANONYMOUS };
      return this.#isKnown('s3', incoming, response)
        ? requestOf({ incoming, service: 's3', principal, body: undefined })
        : undefined;
    }
    const claimed = parseAuthorization(incoming);
    if (!claimed.ok) {
      sendRefusal(claimed, incoming, response);
      return undefined;
    }
    const { service } = claimed;
    if (!this.#isKnown(service, incoming, response)) return undefined;
    const body = service === 's3' ? undefined : await readBody(incoming, BODY_LIMIT_BYTES);
    if (body === 'too-large') {
      const message = `Request must be smaller than ${BODY_LIMIT_BYTES} bytes`;
      sendJsonError(response, 413, 'RequestEntityTooLargeException', message);
      return undefined;
    }
    const verified = verifySignature({
      request: incoming,
      bodySha256: body === undefined ? undefined : hash('sha256', body),
      secretFor: (accessKeyId) => this.#keyring.find(accessKeyId)?.secretAccessKey,
      now: Date.now(),
    });
    if (!verified.ok) {
      sendRefusal(verified, incoming, response);
      return undefined;
    }
    const principal = this.#principal(verified.accessKeyId, verified.form === 'query');
    return requestOf({ incoming, service, principal, body });
  }

  /** The request with what its caller may do, or undefined when it has been refused. */
  async #authorize(
    request: UncheckedRequest,
    response: ServerResponse,
  ): Promise<AwsRequest | undefined> {
    const { service, principal, incoming } = request;
    const has = (right: Right): boolean => this.#denial(request, [right]) === undefined;
    const checked = { ...request, has };
    if (principal.name === ANONYMOUS || this.#options.access === undefined) return checked;
    const rights = (await this.#services.get(service)?.rights(request)) ?? [];
    if (rights.length === 0) throw new Error(`${service} named no right`);
    const denial = this.#denial(request, rights);
    if (denial === undefined) return checked;
    sendRefusal(refuse('denied', service, denial.message), incoming, response);
    return undefined;
  }

  /** By whose key it was signed: a presigned URL can do what its signer may. */
  #denial({ principal }: UncheckedRequest, rights: readonly Right[]): Denial | undefined {
    const signer = this.#keyring.find(principal.accessKeyId)?.name ?? principal.name;
    return this.#options.access?.check(signer, rights);
  }

  /** A presigned URL is used by whoever was given it, not by the function that signed it. */
  #principal(accessKeyId: string, isPresigned: boolean): Principal {
    const signer = this.#keyring.find(accessKeyId)?.name ?? 'unknown';
    return { accessKeyId, name: isPresigned ? 'external-presigned' : signer };
  }

  #isKnown(service: string, incoming: IncomingMessage, response: ServerResponse): boolean {
    if (this.#services.has(service)) return true;
    incoming.resume();
    const known = [...this.#services.keys()].join(', ');
    const message = `There is no stand-in for the AWS service "${service}"; there are: ${known}`;
    sendJsonError(response, 501, 'NotImplementedException', message);
    return false;
  }

  #fail(
    error: unknown,
    request: { service: string; action: string },
    response: ServerResponse,
  ): void {
    // The client that left in the middle of its own request is no fault of a stand-in.
    if (response.destroyed) return;
    this.#options.onError?.(error, request);
    if (response.headersSent) response.destroy();
    else sendJsonError(response, 500, 'InternalFailure', 'The stand-in failed; see its log');
  }
}

function isPreflight(incoming: IncomingMessage): boolean {
  return incoming.method === 'OPTIONS' && incoming.headers.origin !== undefined;
}

function requestOf(parts: {
  incoming: IncomingMessage;
  service: string;
  principal: Principal;
  body: Buffer | undefined;
}): UncheckedRequest {
  const target = parts.incoming.headers['x-amz-target'];
  return {
    ...parts,
    target: typeof target === 'string' ? target : undefined,
    url: new URL(`http://127.0.0.1${parts.incoming.url ?? '/'}`),
  };
}

function sendJsonError(
  response: ServerResponse,
  statusCode: number,
  code: string,
  message: string,
): void {
  response
    .writeHead(statusCode, {
      'content-type': 'application/x-amz-json-1.0',
      'x-amzn-errortype': code,
      'x-amzn-requestid': randomUUID(),
    })
    .end(JSON.stringify({ __type: code, message, Message: message }));
}
