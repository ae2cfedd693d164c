/** The agent's `POST /validate`: whether code is well formed. None of it runs. */
import * as z from 'zod/mini';
import { Language } from '../runtimes.ts';

export const ValidateRequest = z.strictObject({
  language: Language,
  /** UTF-8, at most 1 MiB. */
  code: z.string(),
});
export type ValidateRequest = z.infer<typeof ValidateRequest>;

export const ValidationProblem = z.object({
  /** Both count from 1; the column in characters. */
  line: z.int().check(z.positive()),
  column: z.int().check(z.positive()),
  message: z.string(),
});
export type ValidationProblem = z.infer<typeof ValidationProblem>;

export const Validation = z.object({
  valid: z.boolean(),
  /** The first ones; empty where it is valid. */
  problems: z.array(ValidationProblem),
});
export type Validation = z.infer<typeof Validation>;
