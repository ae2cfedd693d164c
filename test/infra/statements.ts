/** IAM statements of a template, flattened, with references written as text that a test can compare. */
import { ofType, type Template } from './assembly.ts';

export interface Statement {
  readonly effect: string;
  readonly actions: string[];
  readonly resources: string[];
  readonly condition: unknown;
}

interface RawStatement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}

const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

/** `{Ref: X}` → `<X>`, `{Fn::GetAtt: [X, Arn]}` → `<X.Arn>`, joins joined. Hashes of ids left off. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  const [name, argument] = Object.entries(value as Record<string, unknown>)[0] ?? [];
  const plain = (id: unknown) => String(id).replace(/[0-9A-F]{8}$/, '');
  if (name === 'Ref') return `<${plain(argument)}>`;
  if (name === 'Fn::GetAtt') return `<${(argument as string[]).map(plain).join('.')}>`;
  if (name === 'Fn::ImportValue') return `<${String(argument).replaceAll(/[0-9A-F]{8}/g, '')}>`;
  if (name === 'Fn::Sub') return String(argument).replaceAll(/\$\{([^}]+)\}/g, '<$1>');
  if (name === 'Fn::Join') return (argument as [string, unknown[]])[1].map(asText).join('');
  return JSON.stringify(value);
}

/** All statements of the roles whose logical id begins so; of every role without it. */
export function statementsOf(template: Template, role = ''): Statement[] {
  const documents = [
    ...[...ofType(template, 'AWS::IAM::Role')]
      .filter(([id]) => id.startsWith(role))
      .flatMap(([, { Policies = [] }]) => Policies),
    ...[...ofType(template, 'AWS::IAM::Policy')]
      .filter(([id]) => id.startsWith(role))
      .map(([, properties]) => properties),
  ].map(({ PolicyDocument }) => PolicyDocument as { Statement: RawStatement[] });
  return documents
    .flatMap(({ Statement }) => Statement)
    .map(({ Effect, Action, Resource, Condition }) => ({
      effect: Effect,
      actions: listOf(Action),
      resources: listOf(Resource).map(asText),
      condition: Condition,
    }));
}

/** `action resource` lines of what is allowed, sorted. */
export const allowed = (template: Template, role: string): string[] =>
  statementsOf(template, role)
    .filter(({ effect }) => effect === 'Allow')
    .flatMap(({ actions, resources }) =>
      actions.flatMap((action) => resources.map((resource) => `${action} ${resource}`)),
    )
    .sort();
