/** Every policy statement of a deployment, with its references resolved: roles, resources, endpoints, keys. */
import { deployAssembly } from '../../../local/assembly/deploy.ts';
import { recordedServices } from '../../helpers/recorded-services.ts';
import type { NamedStatement } from './reference.ts';

interface RawStatement {
  readonly Action: string | string[];
  readonly Resource?: string | string[];
  readonly Condition?: Record<string, Record<string, unknown>>;
}
interface Document {
  readonly Statement: RawStatement[];
}

export interface FoundStatement extends NamedStatement {
  readonly owner: string;
}

const DOCUMENTS = ['PolicyDocument', 'KeyPolicy', 'RepositoryPolicyText'] as const;

export async function statementsIn(directory: string): Promise<FoundStatement[]> {
  const { resources } = await deployAssembly({ directory, services: recordedServices() });
  return resources.flatMap(({ logicalId, properties }) => {
    const inline = (properties['Policies'] ?? []) as { PolicyDocument?: Document }[];
    const own = DOCUMENTS.map((name) => properties[name] as Document | undefined);
    return [...inline.map(({ PolicyDocument }) => PolicyDocument), ...own].flatMap((document) =>
      (document?.Statement ?? []).map((statement) => ({
        owner: logicalId,
        actions: [statement.Action].flat(),
        resources: [statement.Resource ?? '*'].flat(),
        conditionKeys: Object.values(statement.Condition ?? {}).flatMap(Object.keys),
      })),
    );
  });
}
