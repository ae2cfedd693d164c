/** What the routes of the control port are made of: how a body and a parameter are read, and what refuses them. */
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { readBody } from './read-body.ts';

const BODY_LIMIT_BYTES = 6 * 1024 * 1024;

export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly statusCode: number;
  readonly code: string;

  constructor(statusCode: number, code: string, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
  }
}

export interface ControlCall {
  readonly params: readonly string[];
  readonly incoming: IncomingMessage;
}

export interface ControlRoute {
  readonly method: string;
  readonly path: RegExp;
  readonly answer: (call: ControlCall) => Promise<unknown>;
}

export async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const body = await readBody(incoming, BODY_LIMIT_BYTES);
  if (body === 'too-large') {
    throw new ControlError(413, 'PayloadTooLarge', `At most ${BODY_LIMIT_BYTES} bytes are allowed`);
  }
  try {
    return JSON.parse(body.toString() || '{}');
  } catch (error) {
    throw new ControlError(400, 'InvalidJson', `The body is no JSON: ${String(error)}`);
  }
}

export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new ControlError(400, 'InvalidParameter', `${JSON.stringify(value)}: ${why.join('; ')}`);
}
