/** What the service says of itself: health, readiness, its contract, its runtimes. */
import * as z from 'zod/mini';
import { LANGUAGES } from '../runtimes.ts';
import { operation } from './operation.ts';

export const Readiness = z.object({
  status: z.enum(['ready', 'not_ready']),
  checks: z.record(z.string(), z.enum(['ok', 'failed'])),
});

export const Runtime = z.object({
  name: z.string(),
  versions: z.array(z.string()),
  languages: z.array(z.enum(LANGUAGES)),
  defaultLanguage: z.enum(LANGUAGES),
});

export const serviceOperations = {
  health: operation({
    method: 'GET',
    path: '/health',
    role: 'anyone',
    summary: 'The API answers',
    answers: { 200: z.object({ status: z.literal('ok') }) },
    errors: [],
  }),
  ready: operation({
    method: 'GET',
    path: '/ready',
    role: 'anyone',
    summary: 'Tables and fleet answer; remembered for 10 s',
    answers: { 200: Readiness, 503: Readiness },
    errors: [],
  }),
  openapi: operation({
    method: 'GET',
    path: '/openapi.json',
    role: 'anyone',
    summary: 'This contract as OpenAPI 3.1, not in the envelope',
    answers: { 200: z.record(z.string(), z.json()) },
    errors: [],
  }),
  runtimes: operation({
    method: 'GET',
    path: '/runtimes',
    role: 'viewer',
    summary: 'What can be asked for',
    answers: { 200: z.object({ items: z.array(Runtime) }) },
    errors: [],
  }),
};
