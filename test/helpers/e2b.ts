/**
 * A real agent, and what lets a published E2B SDK reach it: a forwarder that picks the service by
 * `E2b-Sandbox-Port`, adds the token, and hands on a cut in either direction.
 */
import {
  createServer,
  request as dial,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Sandbox } from 'e2b';
import { type StartAgentOptions, startAgent, type TestAgent } from './agent.ts';

const SERVICES: Readonly<Record<string, string>> = {
  '49983': '/e2b/envd',
  '49999': '/e2b/interpreter',
};

export interface E2bAgent extends AsyncDisposable {
  readonly agent: TestAgent;
  /** For `Sandbox.create` of a published package. */
  readonly settings: { readonly debug: true; readonly sandboxUrl: string };
  /** What was asked of the agent so far, such as `POST /e2b/envd/process.Process/Start`. */
  readonly calls: readonly string[];
}

export async function startE2bAgent(options: StartAgentOptions = {}): Promise<E2bAgent> {
  const agent = await startAgent(options);
  const calls: string[] = [];
  const server = createServer((request, response) => {
    const path = `${SERVICES[String(request.headers['e2b-sandbox-port'])] ?? ''}${request.url}`;
    calls.push(`${request.method} ${path.split('?')[0]}`);
    forward(agent, path, request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    agent,
    settings: {
      debug: true,
      sandboxUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    },
    calls,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      console.info(`${calls.length} calls of the published packages`);
      await agent[Symbol.asyncDispose]();
    },
  };
}

/** What a process inside was started with, empty once it has ended; `pgrep` is not on every machine. */
export async function commandLineOf(pid: number, { commands }: Pick<Sandbox, 'commands'>) {
  const { stdout } = await commands.run(`tr '\\0' ' ' </proc/${pid}/cmdline 2>/dev/null || true`);
  return stdout.trim();
}

function forward(
  agent: TestAgent,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { host: _, ...headers } = request.headers;
  const onward = dial(`${agent.baseUrl}${path}`, {
    method: request.method,
    headers: { ...headers, 'x-access-token': agent.token },
  });
  onward.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
    answer.on('error', () => response.destroy()).on('aborted', () => response.destroy());
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}
