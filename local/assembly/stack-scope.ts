/**
 * What the names of one stack's template resolve to: pseudo parameters, parameters, mappings, conditions,
 * resources that already stand, and the exports of earlier stacks.
 */

import type { StackArtifact } from './cloud-assembly.ts';
import { AssemblyError } from './errors.ts';
import { evaluateCondition, noValue, type Scope } from './intrinsics.ts';
import type { ProvidedResource } from './provider.ts';

export interface DeployEnvironment {
  readonly accountId: string;
  readonly region: string;
}

interface StackState {
  readonly stack: StackArtifact;
  readonly environment: DeployEnvironment;
  readonly provided: ReadonlyMap<string, ProvidedResource>;
  readonly exports: ReadonlyMap<string, string>;
}

function pseudoParameters({ stack, environment }: StackState): ReadonlyMap<string, unknown> {
  const { accountId, region } = environment;
  return new Map<string, unknown>([
    ['AWS::AccountId', accountId],
    ['AWS::Region', region],
    ['AWS::Partition', 'aws'],
    ['AWS::URLSuffix', 'amazonaws.com'],
    ['AWS::StackName', stack.stackName],
    [
      'AWS::StackId',
      `arn:aws:cloudformation:${region}:${accountId}:stack/${stack.stackName}/00000000-0000-0000-0000-000000000000`,
    ],
    ['AWS::NotificationARNs', []],
    ['AWS::NoValue', noValue],
  ]);
}

function textList(value: unknown): string[] {
  return typeof value === 'string' ? value.split(',').map((item) => item.trim()) : [];
}

function parameterValue(stack: StackArtifact, name: string): unknown {
  const declared = stack.template.Parameters[name];
  if (declared === undefined) return undefined;
  if (declared.Type.startsWith('AWS::SSM::'))
    throw new AssemblyError(
      `${stack.stackName}: parameter ${name} reads SSM Parameter Store, which has no stand-in`,
    );
  const value = stack.parameters[name] ?? declared.Default;
  if (value === undefined)
    throw new AssemblyError(`${stack.stackName}: parameter ${name} has neither value nor default`);
  return declared.Type === 'CommaDelimitedList' || declared.Type.startsWith('List<')
    ? textList(value)
    : value;
}

function known(state: StackState, logicalId: string): ProvidedResource {
  const resource = state.provided.get(logicalId);
  if (resource !== undefined) return resource;
  const inTemplate = logicalId in state.stack.template.Resources;
  throw new AssemblyError(
    `${state.stack.stackName}: ${logicalId} ${inTemplate ? 'is left out by its condition' : 'is neither a resource nor a parameter'}, yet it is referred to`,
  );
}

export function createStackScope(state: StackState): Scope {
  const { stack, environment } = state;
  const pseudo = pseudoParameters(state);
  const scope: Scope = {
    ref(name) {
      if (pseudo.has(name)) return pseudo.get(name);
      return parameterValue(stack, name) ?? known(state, name).ref;
    },
    attribute(logicalId, name) {
      const { attributes } = known(state, logicalId);
      if (name in attributes) return attributes[name];
      const type = stack.template.Resources[logicalId]?.Type;
      throw new AssemblyError(
        `${stack.stackName}: ${logicalId} (${type}) has no attribute ${name} on this machine (it has: ${Object.keys(attributes).join(', ')})`,
      );
    },
    condition(name) {
      if (!(name in stack.template.Conditions))
        throw new AssemblyError(`${stack.stackName}: no condition is called ${name}`);
      return evaluateCondition(stack.template.Conditions[name], scope);
    },
    mapping(map, topKey, secondKey) {
      const value = stack.template.Mappings[map]?.[topKey]?.[secondKey];
      if (value !== undefined) return value;
      throw new AssemblyError(`${stack.stackName}: mapping ${map} has no ${topKey}.${secondKey}`);
    },
    importValue(name) {
      const value = state.exports.get(name);
      if (value !== undefined) return value;
      throw new AssemblyError(`${stack.stackName}: no earlier stack exports ${name}`);
    },
    availabilityZones: (region) =>
      ['a', 'b', 'c'].map((zone) => `${region || environment.region}${zone}`),
  };
  return scope;
}
