/**
 * IAM policy documents, read and normalized. What this engine does not evaluate stops whoever reads the document:
 * a statement that were half understood would allow or refuse the wrong things.
 */
import { z } from 'zod';

/** IAM takes one of a kind for a list of one. Not a union: that would hide what is wrong with a member. */
const listOf = <T extends z.ZodType>(item: T) =>
  z.preprocess((value) => (value === undefined ? undefined : [value].flat()), z.array(item));

const role = z
  .string()
  .regex(/^(\*|arn:aws:iam::\d{12}:role\/.+)$/, 'of AWS principals only * and roles are evaluated');

const principal = z.preprocess(
  (value) => (value === '*' ? { AWS: '*' } : value),
  z.strictObject({ AWS: listOf(role).optional(), Service: listOf(z.string()).optional() }),
);

const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: principal.optional(),
  Action: listOf(z.string()),
  // A trust policy has none: it is about its own role.
  Resource: listOf(z.string()).default(['*']),
  Condition: z.record(z.string(), z.record(z.string(), listOf(z.coerce.string()))).default({}),
});

const documentSchema = z.object({
  Version: z
    .literal('2012-10-17', 'only the policy language of 2012-10-17 is evaluated')
    .optional(),
  Statement: listOf(statementSchema),
});

/** Operator, as written → condition key → values of which one must match. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  /** Undefined in an identity's own policy. */
  readonly principal:
    | {
        readonly AWS?: readonly string[] | undefined;
        readonly Service?: readonly string[] | undefined;
      }
    | undefined;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: Conditions;
}

export interface Policy {
  readonly name: string;
  readonly statements: readonly Statement[];
}

export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

export function readPolicy(name: string, document: unknown): Policy {
  const parsed = documentSchema.safeParse(document);
  if (!parsed.success)
    throw new PolicyError(
      `The policy ${name} cannot be evaluated: ${z.prettifyError(parsed.error)}`,
    );
  const statements = parsed.data.Statement.map((statement) => ({
    effect: statement.Effect,
    principal: statement.Principal,
    actions: statement.Action,
    resources: statement.Resource,
    conditions: statement.Condition,
  }));
  const variable = /\$\{[^}]*\}/.exec(JSON.stringify(statements));
  if (variable !== null)
    throw new PolicyError(`The policy ${name} has the variable ${variable[0]}: none is evaluated`);
  return { name, statements };
}
