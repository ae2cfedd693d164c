/**
 * The deployed model: what each resource of the assembly became, for other parts to read.
 * It is only a record; whoever stands a resource up is elsewhere.
 */
import { AssemblyError } from './errors.ts';

export interface DeployedResource {
  readonly stackName: string;
  readonly logicalId: string;
  /** Construct path such as `Ci-service/Executions/Resource`; undefined where the assembly names none. */
  readonly constructPath: string | undefined;
  readonly type: string;
  /** Properties with every reference resolved. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** What `Ref` gives. */
  readonly ref: string;
  /** What `Fn::GetAtt` gives. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface DeployedFunction {
  readonly stackName: string;
  readonly logicalId: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly roleArn: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Deployment {
  readonly region: string;
  readonly accountId: string;
  readonly resources: readonly DeployedResource[];
  readonly functions: readonly DeployedFunction[];
  resourcesOfType(type: string): readonly DeployedResource[];
  /** By function name, with or without its stack's, by logical id, or that without CDK's eight-digit hash; throws when none or several match. */
  functionNamed(name: string): DeployedFunction;
  outputs(stackName: string): Readonly<Record<string, string>>;
}

function matches(candidate: DeployedFunction, name: string): boolean {
  const { functionName, functionArn, logicalId, stackName } = candidate;
  const plainId = logicalId.replace(/[0-9A-F]{8}$/, '');
  return (
    [functionName, functionArn, logicalId, plainId].includes(name) ||
    functionName === `${stackName}-${name}`
  );
}

export function createDeployment(content: {
  region: string;
  accountId: string;
  resources: readonly DeployedResource[];
  functions: readonly DeployedFunction[];
  outputs: ReadonlyMap<string, Readonly<Record<string, string>>>;
}): Deployment {
  const { region, accountId, resources, functions, outputs } = content;
  return {
    region,
    accountId,
    resources,
    functions,
    resourcesOfType: (type) => resources.filter((resource) => resource.type === type),
    functionNamed(name) {
      const [found, second] = functions.filter((candidate) => matches(candidate, name));
      if (found !== undefined && second === undefined) return found;
      const names = functions.map(({ functionName }) => functionName).join(', ');
      throw new AssemblyError(
        `${found === undefined ? 'no function' : 'more than one function'} is called ${name} (deployed: ${names})`,
      );
    },
    outputs(stackName) {
      const found = outputs.get(stackName);
      if (found !== undefined) return found;
      throw new AssemblyError(
        `no stack ${stackName} (deployed: ${[...outputs.keys()].join(', ')})`,
      );
    },
  };
}
