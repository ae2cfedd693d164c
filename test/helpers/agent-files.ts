/** Calls on the file routes of an agent, and what their answers say. */
import { FileEntry } from '../../contract/agent/files.ts';
import { AgentErrorBody } from '../../contract/errors.ts';
import type { TestAgent } from './agent.ts';

export const query = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

export interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  readonly fields?: Record<string, string>;
}

export async function send(agent: TestAgent, method: string, path: string, sent: Sent = {}) {
  const response = await fetch(`${agent.baseUrl}/files?${query({ path, ...sent.fields })}`, {
    method,
    headers: {
      authorization: `Bearer ${agent.token}`,
      ...(sent.body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
      ...sent.headers,
    },
    ...(sent.body === undefined ? {} : { body: sent.body }),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { status, headers } = response;
  return { status, headers, bytes, text: String(Buffer.from(bytes)) };
}

export const refusal = ({ status, text }: { status: number; text: string }) => {
  const { code, message, details } = AgentErrorBody.parse(JSON.parse(text));
  return { status, code, message, field: details?.['field'] };
};

export const entryOf = ({ text }: { text: string }) => FileEntry.parse(JSON.parse(text));
