/**
 * Reads who may do what out of a deployed model: roles with their policies, functions and machines with their roles,
 * the policies of resources. What could not be evaluated stops the start, and so does a role that AWS could not assume.
 */
import { z } from 'zod';
import { checkConditions } from '../services/iam/conditions.ts';
import { decide } from '../services/iam/decision.ts';
import type { AccessModel, Role } from '../services/iam/model.ts';
import { type Policy, PolicyError, readPolicy } from '../services/iam/policy.ts';
import type { DeployedResource, Deployment } from './deployment.ts';
import { AssemblyError } from './errors.ts';
import { readProperties } from './provider.ts';

const document = z.record(z.string(), z.unknown());
const namedPolicy = z.object({ PolicyName: z.string(), PolicyDocument: document });

const roleProperties = z.object({
  AssumeRolePolicyDocument: document,
  Policies: z.array(namedPolicy).default([]),
  ManagedPolicyArns: z
    .array(z.string())
    .length(0, 'the documents of managed policies are not in the template')
    .optional(),
  PermissionsBoundary: z.undefined('a permissions boundary is not evaluated').optional(),
});

const policyProperties = namedPolicy.extend({ Roles: z.array(z.string()) });

const permissionProperties = z.object({
  Action: z.string(),
  FunctionName: z.string(),
  Principal: z.string(),
  SourceArn: z.string().optional(),
  SourceAccount: z.string().optional(),
});

const bucketPolicyProperties = z.object({ Bucket: z.string(), PolicyDocument: document });

function read<T>(schema: z.ZodType<T>, resource: DeployedResource): T {
  return readProperties(schema, resource.properties, { address: resource, type: resource.type });
}

/** The engine's errors name a policy; the template's owner knows it by its resource. */
function policyOf({ logicalId }: DeployedResource, name: string, content: unknown): Policy {
  try {
    const policy = readPolicy(name, content);
    checkConditions(policy);
    return policy;
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new AssemblyError(`${logicalId}: ${error.message}`);
  }
}

function rolesOf(deployment: Deployment): (Role & { trust: Policy; logicalId: string })[] {
  const attached = deployment.resourcesOfType('AWS::IAM::Policy').map((resource) => {
    const { Roles, PolicyName, PolicyDocument } = read(policyProperties, resource);
    return { roles: Roles, policy: policyOf(resource, PolicyName, PolicyDocument) };
  });
  return deployment.resourcesOfType('AWS::IAM::Role').map((resource) => {
    const { Policies, AssumeRolePolicyDocument } = read(roleProperties, resource);
    return {
      arn: String(resource.attributes['Arn']),
      name: resource.ref,
      logicalId: resource.logicalId,
      trust: policyOf(resource, 'trust', AssumeRolePolicyDocument),
      policies: [
        ...Policies.map(({ PolicyName, PolicyDocument }) =>
          policyOf(resource, PolicyName, PolicyDocument),
        ),
        ...attached.filter(({ roles }) => roles.includes(resource.ref)).map(({ policy }) => policy),
      ],
    };
  });
}

function bucketPolicies(deployment: Deployment): [string, Policy][] {
  return deployment.resourcesOfType('AWS::S3::BucketPolicy').map((resource) => {
    const { Bucket, PolicyDocument } = read(bucketPolicyProperties, resource);
    return [`arn:aws:s3:::${Bucket}`, policyOf(resource, resource.logicalId, PolicyDocument)];
  });
}

/** A permission is a statement of the function's own policy. */
function permissions(deployment: Deployment): [string, Policy][] {
  const { region, accountId } = deployment;
  return deployment.resourcesOfType('AWS::Lambda::Permission').map((resource) => {
    const { Action, FunctionName, Principal, SourceArn, SourceAccount } = read(
      permissionProperties,
      resource,
    );
    const name = FunctionName.split(':').at(-1) ?? '';
    const arn = `arn:aws:lambda:${region}:${accountId}:function:${name}`;
    const kind = Principal.endsWith('.amazonaws.com') ? 'Service' : 'AWS';
    const statement = {
      Effect: 'Allow',
      Principal: { [kind]: Principal },
      Action,
      Resource: arn,
      Condition: {
        ...(SourceArn === undefined ? {} : { ArnLike: { 'aws:SourceArn': SourceArn } }),
        ...(SourceAccount === undefined
          ? {}
          : { StringEquals: { 'aws:SourceAccount': SourceAccount } }),
      },
    };
    return [arn, policyOf(resource, resource.logicalId, { Statement: statement })];
  });
}

/** Read once: each route, rule and authorizer asks for them. */
const known = new WeakMap<Deployment, ReadonlyMap<string, readonly Policy[]>>();

function resourcePoliciesOf(deployment: Deployment): ReadonlyMap<string, readonly Policy[]> {
  const policies = known.get(deployment) ?? readResourcePolicies(deployment);
  known.set(deployment, policies);
  return policies;
}

function readResourcePolicies(deployment: Deployment): Map<string, Policy[]> {
  const policies = new Map<string, Policy[]>();
  for (const [arn, policy] of [...bucketPolicies(deployment), ...permissions(deployment)])
    policies.set(arn, [...(policies.get(arn) ?? []), policy]);
  return policies;
}

export function accessModelOf(deployment: Deployment): AccessModel {
  const roles = rolesOf(deployment);
  const requireTrust = (roleArn: string | undefined, service: string, owner: string): string => {
    const role = roles.find(({ arn }) => arn === roleArn);
    if (role === undefined) throw new AssemblyError(`${owner}: no role ${roleArn} is deployed`);
    if (!trusts(role.trust, service))
      throw new AssemblyError(
        `${owner}: its role ${role.logicalId} cannot be assumed by ${service}`,
      );
    return role.arn;
  };
  for (const machine of deployment.resourcesOfType('AWS::StepFunctions::StateMachine'))
    requireTrust(String(machine.properties['RoleArn']), 'states.amazonaws.com', machine.logicalId);
  const principals = deployment.functions.map(
    ({ functionName, functionArn, roleArn, logicalId }) => {
      const role = requireTrust(roleArn, 'lambda.amazonaws.com', logicalId);
      return [functionName, { roleArn: role, session: functionName, functionArn }] as const;
    },
  );
  return {
    roles,
    principals: new Map(principals),
    resourcePolicies: resourcePoliciesOf(deployment),
  };
}

function trusts(trust: Policy, service: string): boolean {
  return decide({
    caller: { kind: 'Service', id: service },
    right: { action: 'sts:AssumeRole', resource: '*' },
    context: new Map(),
    identityPolicies: [],
    resourcePolicies: [trust],
  }).allowed;
}

/** Throws unless the function's own policy lets a service call it from here: on AWS each call would be refused. */
export function requirePermission(
  deployment: Deployment,
  call: { service: string; functionName: string; sourceArn: string; owner: string },
): void {
  const { region, accountId } = deployment;
  const { service, functionName, sourceArn, owner } = call;
  const resource = `arn:aws:lambda:${region}:${accountId}:function:${functionName}`;
  const { allowed } = decide({
    caller: { kind: 'Service', id: service },
    right: { action: 'lambda:InvokeFunction', resource },
    context: new Map([
      ['aws:sourcearn', [sourceArn]],
      ['aws:sourceaccount', [accountId]],
    ]),
    identityPolicies: [],
    resourcePolicies: resourcePoliciesOf(deployment).get(resource) ?? [],
  });
  if (!allowed)
    throw new AssemblyError(`${owner}: no permission lets ${sourceArn} invoke ${functionName}`);
}
