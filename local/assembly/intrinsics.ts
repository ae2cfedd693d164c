/**
 * Resolves CloudFormation's intrinsic functions in a template value against a scope.
 * Pure: it holds no state and creates nothing; a name that the scope does not know is an error, never a guess.
 */
import { Buffer } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import { AssemblyError } from './errors.ts';

export interface Scope {
  /** Parameter, pseudo parameter or resource. */
  ref(name: string): unknown;
  attribute(logicalId: string, name: string): unknown;
  condition(name: string): boolean;
  mapping(map: string, topKey: string, secondKey: string): unknown;
  importValue(name: string): unknown;
  availabilityZones(region: string): readonly string[];
}

/** What `AWS::NoValue` resolves to: the property or list item disappears. */
export const noValue: unique symbol = Symbol('AWS::NoValue');

type Intrinsic = (argument: unknown, scope: Scope) => unknown;

function listOf(argument: unknown, name: string, length?: number): unknown[] {
  if (!Array.isArray(argument) || (length !== undefined && argument.length !== length)) {
    const wanted = length === undefined ? 'a list' : `a list of ${length}`;
    throw new AssemblyError(`${name} takes ${wanted}, got ${JSON.stringify(argument)}`);
  }
  return argument;
}

function textOf(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new AssemblyError(`${name} needs text, got ${JSON.stringify(value)}`);
}

function join(argument: unknown, scope: Scope): string {
  const [delimiter, items] = listOf(argument, 'Fn::Join', 2);
  const resolved = listOf(resolve(items, scope), 'Fn::Join');
  return resolved.map((item) => textOf(item, 'Fn::Join')).join(textOf(delimiter, 'Fn::Join'));
}

function substitute(argument: unknown, scope: Scope): string {
  const [text, bindings] = Array.isArray(argument) ? argument : [argument, {}];
  const own = new Map(Object.entries((bindings ?? {}) as Record<string, unknown>));
  return textOf(text, 'Fn::Sub').replaceAll(
    /\$\{(!?)([^}]+)\}/g,
    (_, literal: string, raw: string) => {
      const name = raw.trim();
      if (literal !== '') return `\${${raw}}`;
      if (own.has(name)) return textOf(resolve(own.get(name), scope), 'Fn::Sub');
      const dot = name.indexOf('.');
      const value =
        dot === -1 ? scope.ref(name) : scope.attribute(name.slice(0, dot), name.slice(dot + 1));
      return textOf(value, 'Fn::Sub');
    },
  );
}

function attribute(argument: unknown, scope: Scope): unknown {
  const [owner, name] = Array.isArray(argument)
    ? [argument[0], resolve(argument[1], scope)]
    : [String(argument).split('.')[0], String(argument).split('.').slice(1).join('.')];
  return scope.attribute(textOf(owner, 'Fn::GetAtt'), textOf(name, 'Fn::GetAtt'));
}

function select(argument: unknown, scope: Scope): unknown {
  const [index, items] = listOf(argument, 'Fn::Select', 2);
  const list = listOf(resolve(items, scope), 'Fn::Select');
  const position = Number(resolve(index, scope));
  if (!Number.isInteger(position) || position < 0 || position >= list.length) {
    throw new AssemblyError(`Fn::Select index ${position} is outside a list of ${list.length}`);
  }
  return list[position];
}

function split(argument: unknown, scope: Scope): string[] {
  const [delimiter, text] = listOf(argument, 'Fn::Split', 2);
  return textOf(resolve(text, scope), 'Fn::Split').split(textOf(delimiter, 'Fn::Split'));
}

function findInMap(argument: unknown, scope: Scope): unknown {
  const [map, top, second] = listOf(argument, 'Fn::FindInMap', 3).map((part) =>
    textOf(resolve(part, scope), 'Fn::FindInMap'),
  );
  return scope.mapping(map ?? '', top ?? '', second ?? '');
}

function choose(argument: unknown, scope: Scope): unknown {
  const [name, whenTrue, whenFalse] = listOf(argument, 'Fn::If', 3);
  return resolve(scope.condition(textOf(name, 'Fn::If')) ? whenTrue : whenFalse, scope);
}

function zones(argument: unknown, scope: Scope): readonly string[] {
  const region = textOf(resolve(argument, scope), 'Fn::GetAZs');
  return scope.availabilityZones(
    region === '' ? textOf(scope.ref('AWS::Region'), 'Fn::GetAZs') : region,
  );
}

function compared(argument: unknown, scope: Scope): boolean {
  const [left, right] = listOf(argument, 'Fn::Equals', 2);
  return isDeepStrictEqual(resolve(left, scope), resolve(right, scope));
}

/** A condition's expression: the four logic functions, or `{Condition: name}`. */
export function evaluateCondition(expression: unknown, scope: Scope): boolean {
  const [name, argument] = Object.entries((expression ?? {}) as Record<string, unknown>)[0] ?? [];
  if (name === 'Condition') return scope.condition(textOf(argument, 'Condition'));
  if (name === 'Fn::Equals') return compared(argument, scope);
  const parts = () => listOf(argument, name ?? '').map((part) => evaluateCondition(part, scope));
  if (name === 'Fn::And') return parts().every(Boolean);
  if (name === 'Fn::Or') return parts().some(Boolean);
  if (name === 'Fn::Not') return !parts()[0];
  throw new AssemblyError(`not a condition: ${JSON.stringify(expression)}`);
}

const intrinsics: Readonly<Record<string, Intrinsic>> = {
  Ref: (argument, scope) => scope.ref(textOf(argument, 'Ref')),
  'Fn::GetAtt': attribute,
  'Fn::Sub': substitute,
  'Fn::Join': join,
  'Fn::Select': select,
  'Fn::Split': split,
  'Fn::If': choose,
  'Fn::FindInMap': findInMap,
  'Fn::GetAZs': zones,
  'Fn::ImportValue': (argument, scope) =>
    scope.importValue(textOf(resolve(argument, scope), 'Fn::ImportValue')),
  'Fn::Base64': (argument, scope) =>
    Buffer.from(textOf(resolve(argument, scope), 'Fn::Base64')).toString('base64'),
  'Fn::ToJsonString': (argument, scope) => JSON.stringify(resolve(argument, scope)),
  'Fn::Length': (argument, scope) => listOf(resolve(argument, scope), 'Fn::Length').length,
};

function intrinsicOf(value: object): { name: string; argument: unknown } | undefined {
  const [entry, second] = Object.entries(value);
  if (entry === undefined || second !== undefined) return undefined;
  const [name, argument] = entry;
  return name === 'Ref' || name.startsWith('Fn::') ? { name, argument } : undefined;
}

export function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value))
    return value.map((item) => resolve(item, scope)).filter((item) => item !== noValue);
  if (typeof value !== 'object' || value === null) return value;
  const found = intrinsicOf(value);
  if (found === undefined) {
    const entries = Object.entries(value).map(
      ([key, inner]) => [key, resolve(inner, scope)] as const,
    );
    return Object.fromEntries(entries.filter(([, inner]) => inner !== noValue));
  }
  const intrinsic = intrinsics[found.name];
  if (intrinsic === undefined)
    throw new AssemblyError(
      `${found.name} is not an intrinsic function that this machine resolves (known: ${Object.keys(intrinsics).join(', ')})`,
    );
  return intrinsic(found.argument, scope);
}
