/** What every refusal is, wherever on its way a request was refused. */
import { expect } from 'vitest';
import * as z from 'zod/mini';
import { ErrorBody, type ErrorCode, isRetryable, statusOf } from '../../contract/errors.ts';
import { type Answer, control } from './api.ts';

/** API Gateway's own answers say it a second time, for E2B clients. */
const Refusal = z.strictObject({
  success: z.literal(false),
  error: z.strictObject(ErrorBody.shape),
  code: z.optional(z.int()),
  message: z.optional(z.string()),
});

/** A stack trace, a source file, or a folder of ours. */
const INSIDES = /\n\s+at |\.[cm]?[jt]s\b|node_modules|\/(?:tmp|var|opt|home|root|usr|proc)\//;

export function expectRefusal(answer: Answer, code: ErrorCode, field?: string): void {
  const told = JSON.stringify(answer.json);
  expect(z.safeParse(Refusal, answer.json).error, told).toBeUndefined();
  const { error } = answer.json;
  expect(error, told).toMatchObject({ code, retryable: isRetryable(code) });
  expect(answer.status).toBe(statusOf(code));
  expect(error.requestId).toBe(answer.headers.get('x-request-id'));
  expect(answer.headers.get('content-type')).toContain('application/json');
  expect(answer.headers.get('access-control-allow-origin')).toBeTruthy();
  expect(told).not.toMatch(INSIDES);
  expect(told.length).toBeLessThan(8_192);
  if (field !== undefined) {
    expect(error.message).toContain(field);
    expect(JSON.stringify(error.details)).toContain(JSON.stringify(field));
  }
}

/** An operator's direct invoke of `account`. */
export async function account(event: Record<string, unknown>): Promise<Answer['json']> {
  const path = '/functions/code-interpreter-account/invoke';
  const { payload } = await control(path, { method: 'POST', body: event });
  if (!payload?.success) throw new Error(`account: ${JSON.stringify(payload)}`);
  return payload.data;
}
