/** The way to an agent: InvokeWithResponseStream of `agent-gateway`, which dials the task. */
import { InvokeWithResponseStreamCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { DialHead, type DialRequest } from '../../contract/agent/dial.ts';
import type { NetworkAccess } from '../../contract/rest/sandboxes.ts';
import {
  type AgentAddress,
  type AgentBytes,
  type AgentBytesCall,
  type AgentCall,
  type AgentGateway,
  type AgentTransfer,
  type AgentTransfers,
  AgentUnreachable,
} from '../../core/ports.ts';
import { lines, splitHead } from './lines.ts';

/** Answers that are not streams are small; a larger one is not one of ours. */
const MAX_ANSWER_CHARS = 1024 * 1024;
/** agent-gateway notices silence first; this is for silence of the way to it. */
const SILENCE_SLACK_MS = 5_000;

/** The function inside each network; `internet` only where that network was deployed. */
export type GatewayFunctions = { readonly [Network in NetworkAccess]?: string | undefined };

export function lambdaAgentGateway(
  client: LambdaClient,
  gateways: GatewayFunctions,
): AgentGateway & AgentBytes & AgentTransfers {
  const dial = async ({ host, network }: AgentAddress, call: AnyCall, signal?: AbortSignal) => {
    const gateway = gateways[network];
    if (!gateway) throw new AgentUnreachable(`no network for ${network} was deployed`);
    const answer = await splitHead(payload(client, gateway, dialRequest(host, call), signal));
    const head = answer && parseHead(answer.line);
    if (!head) throw new AgentUnreachable('agent-gateway did not answer');
    if ('unreachable' in head) throw new AgentUnreachable(head.unreachable);
    if ('object' in head) return head;
    return { status: head.status, headers: head.headers ?? {}, rest: answer.rest };
  };
  const open = async (address: AgentAddress, call: AnyCall, signal?: AbortSignal) => {
    const answer = await dial(address, call, signal);
    if ('object' in answer) throw new AgentUnreachable('agent-gateway answered for an object');
    return answer;
  };
  return {
    async call(address, call) {
      const { status, rest } = await open(address, call);
      let body = '';
      for await (const line of lines(rest)) {
        body += body ? `\n${line}` : line;
        if (body.length > MAX_ANSWER_CHARS) throw new AgentUnreachable('the answer is too large');
      }
      return { status, body };
    },

    async stream(address, call, signal) {
      const { status, rest } = await open(address, call, signal);
      return { status, lines: lines(rest) };
    },

    async exchange(address, call) {
      return whole(await open(address, call), call.maxAnswerBytes);
    },

    async transfer(address, call) {
      const answer = await dial(address, call);
      return 'object' in answer ? answer : whole(answer, call.maxAnswerBytes);
    },
  };
}

type AnyCall = AgentCall | AgentBytesCall | AgentTransfer;

interface OpenAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly rest: AsyncIterable<Uint8Array>;
}

async function whole({ status, headers, rest }: OpenAnswer, maxBytes: number) {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of rest) {
    size += chunk.length;
    if (size > maxBytes) throw new AgentUnreachable('the answer is too large');
    chunks.push(chunk);
  }
  return { status, headers, bytes: Buffer.concat(chunks) };
}

const dialRequest = (host: string, call: AnyCall): DialRequest => ({
  host,
  method: call.method,
  path: call.path,
  ...(call.token === undefined ? {} : { token: call.token }),
  ...('body' in call ? { body: call.body } : {}),
  ...('bytes' in call ? { base64: Buffer.from(call.bytes).toString('base64') } : {}),
  ...('headers' in call ? { headers: call.headers } : {}),
  ...('source' in call ? { source: call.source } : {}),
  ...('sink' in call ? { sink: call.sink } : {}),
  headTimeoutMs: call.headTimeoutMs ?? 5_000,
  idleTimeoutMs: call.idleTimeoutMs ?? 10_000,
});

function parseHead(line: string): DialHead | undefined {
  try {
    const parsed = DialHead.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Bytes of the invoked function's stream; any failure of the way is {@link AgentUnreachable}. */
async function* payload(
  client: LambdaClient,
  functionName: string,
  request: DialRequest,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    const { EventStream } = await client.send(
      new InvokeWithResponseStreamCommand({
        FunctionName: functionName,
        Payload: new TextEncoder().encode(JSON.stringify(request)),
      }),
      signal ? { abortSignal: signal } : {},
    );
    let complete = false;
    for await (const event of until(
      signal,
      EventStream ?? nothing(),
      Math.max(request.headTimeoutMs, request.idleTimeoutMs) + SILENCE_SLACK_MS,
    )) {
      if (event.PayloadChunk?.Payload) yield event.PayloadChunk.Payload;
      if (event.InvokeComplete) {
        complete = true;
        if (event.InvokeComplete.ErrorCode)
          throw new AgentUnreachable(`agent-gateway failed: ${event.InvokeComplete.ErrorCode}`);
      }
    }
    if (!complete && !signal?.aborted)
      throw new AgentUnreachable('the stream of agent-gateway was cut');
  } catch (error) {
    if (signal?.aborted) return;
    if (error instanceof AgentUnreachable) throw error;
    throw new AgentUnreachable('agent-gateway could not be invoked', { cause: error });
  }
}

async function* nothing(): AsyncGenerator<never, void, undefined> {}

/**
 * Ends at once when the signal aborts, also while it waits: the SDK hears an abort only until the
 * head has come. The invoke itself ends when the agent closes its side, as it does for an epoch
 * that has passed. Silence longer than the keepalives allow is a cut.
 */
async function* until<T>(
  signal: AbortSignal | undefined,
  source: AsyncIterable<T>,
  silenceMs: number,
): AsyncGenerator<T, void, undefined> {
  const aborted = new Promise<'aborted'>((resolve) => {
    if (signal?.aborted) resolve('aborted');
    signal?.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
  const iterator = source[Symbol.asyncIterator]();
  try {
    while (true) {
      const step = await within<IteratorResult<T> | 'aborted'>(silenceMs, [
        iterator.next(),
        aborted,
      ]);
      if (step === 'aborted' || step.done) return;
      yield step.value;
    }
  } finally {
    // What is left unread would keep its connection for ever: the SDK frees it at the end only.
    void drain(iterator);
  }
}

async function drain(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    while (!(await iterator.next()).done);
  } catch {
    // A stream that fails is over too.
  }
}

async function within<T>(ms: number, works: Promise<T>[]): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new AgentUnreachable(`silent for ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([...works, late]);
  } finally {
    clearTimeout(timer);
    // Whoever waits no longer must not leave a rejection behind.
    for (const work of works) work.catch(() => {});
  }
}
